// SPDX-License-Identifier: Apache-2.0
#include "matcher_trail.hpp"

#include <algorithm>
#include <cmath>

namespace audio_latency::matching {

Trail::Trail(SignatureTable& signatures, std::uint32_t signature, const FlowTable& flows, LinkTable& links)
    : flows_(flows) {
  collect(signatures, signature);
  const auto domain = static_cast<Domain>(signatures[signature].domain);
  for (std::size_t i = 1; i < size_; ++i) connect(i, domain, links);
}

void Trail::collect(SignatureTable& signatures, std::uint32_t signature) {
  for (std::uint32_t at = signatures[signature].first_hop; at != kNone && size_ < kMaximumHops;) {
    Hop& hop = signatures.hop(at);
    at = hop.next;
    const FlowRecord& flow = flows_[hop.flow];
    if (!is_of(hop, flow)) continue;  // its flow is gone
    const EventTime departure = hop.departure();
    std::size_t place = size_++;  // in order of departure; at one time, of observation: newer ones come first here
    for (; place > 0 && departure <= steps_[place - 1].departure; --place) steps_[place] = steps_[place - 1];
    steps_[place] = {
        &hop, hop.flow, -1, departure, hop.arrival(), flow.sender.component, flows_.receiver(hop.flow).component,
        false};
  }
}

bool Trail::siblings(std::size_t i, std::size_t j) const {
  return flows_[steps_[i].flow].key.source == flows_[steps_[j].flow].key.source;
}

void Trail::connect(std::size_t i, Domain domain, LinkTable& links) {
  Step& step = steps_[i];
  if (step.sender == 0) {
    if (siblings(0, i)) return;
    if (runs_back(i, domain, links)) return;
    step.predecessor = 0;
    step.follows_origin = true;
    return;
  }
  step.predecessor = best_predecessor(i, domain, links);
}

// Where addresses are all alike, a loop's next turn on the flow that feeds the first hop looks like a later hop: what
// most of the votes say stands.
bool Trail::runs_back(std::size_t i, Domain domain, LinkTable& links) const {
  constexpr std::uint32_t few = 3;
  const Link* const back = links.find(steps_[i].flow, steps_[0].flow, domain);
  if (back == nullptr || back->votes < few) return false;
  const Link* const forth = links.find(steps_[0].flow, steps_[i].flow, domain);
  return forth == nullptr || forth->votes < back->votes;
}

// The newest earlier hop that reached the sender; where several have and formed links lead here, the one whose delay
// fits best, or the newest that follows it (a component that the audio passes twice).
int Trail::best_predecessor(std::size_t i, Domain domain, LinkTable& links) const {
  int newest = -1;
  int reaching = 0;
  for (std::size_t j = 0; j < i; ++j) {
    if (steps_[j].receiver != steps_[i].sender || siblings(j, i)) continue;
    newest = static_cast<int>(j);
    ++reaching;
  }
  if (reaching == 1) return newest;
  const int linked = best_linked(i, domain, links);
  return linked >= 0 && !follows(newest, linked) ? linked : newest;
}

int Trail::best_linked(std::size_t i, Domain domain, LinkTable& links) const {
  int best = -1;
  double misfit = 0;
  for (std::size_t j = 0; j < i; ++j) {
    const Link* link = links.find(steps_[j].flow, steps_[i].flow, domain);
    if (link == nullptr || !link->formed || siblings(j, i)) continue;
    if (link->connected && steps_[j].receiver != steps_[i].sender) continue;
    const double delay = static_cast<double>(steps_[i].departure - steps_[j].departure) * 1e-9;
    const double off = std::abs(delay - link->delays.usual_seconds());
    if (best >= 0 && off >= misfit) continue;
    best = static_cast<int>(j);
    misfit = off;
  }
  return best;
}

bool Trail::follows(int later, int earlier) const {
  while (later > earlier) later = steps_[static_cast<std::size_t>(later)].predecessor;
  return later == earlier;
}

std::size_t Trail::root_of(std::size_t i) const {
  while (steps_[i].predecessor >= 0) i = static_cast<std::size_t>(steps_[i].predecessor);
  return i;
}

bool Trail::repeated_up_to(std::size_t i) const {
  for (int at = static_cast<int>(i); at >= 0; at = steps_[static_cast<std::size_t>(at)].predecessor) {
    if (steps_[static_cast<std::size_t>(at)].hop->repeated) return true;
  }
  return false;
}

bool Trail::sent_before_received(std::size_t i, EventTime within) const {
  for (std::size_t j = i + 1; j < size_; ++j) {
    if (sent_before_received(i, j, within)) return true;
  }
  return false;
}

bool Trail::sent_before_received(std::size_t sent, std::size_t received, EventTime within) const {
  const Step& out = steps_[sent];
  const Step& in = steps_[received];
  return in.receiver == out.sender && out.sender != 0 && !siblings(sent, received) &&
         in.departure - out.departure <= within;
}

}  // namespace audio_latency::matching
