// SPDX-License-Identifier: Apache-2.0
// When a link is believed (matching.md, "Links", "What must not be matched").
#include <algorithm>
#include <utility>

#include "matcher_state.hpp"

namespace audio_latency {

using matching::FlowRecord;
using matching::Link;
using matching::Vote;

namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr double kVotesExpected = 12;  // a link may take the time of so many expected matches to form
constexpr EventTime kFormingTime = 5 * kSecond;
constexpr EventTime kFinerTime = kSecond;  // sound without a selected window in a domain that survives is rare

// max(5 s, 12 / expected match rate), the later flow's rate of signatures being what can match at most.
EventTime forming_window(const FlowRecord& later, Domain domain) {
  const double seconds = static_cast<double>(later.last_seen - later.first_seen) * 1e-9;
  const double rate = static_cast<double>(later.signatures[static_cast<std::size_t>(domain)]) / std::max(seconds, 1.0);
  return std::max(kFormingTime, static_cast<EventTime>(kVotesExpected / rate * 1e9));
}

}  // namespace

// A vote for a link that is not formed yet: those that agree form it.
void Matcher::State::hold(Link& link, const Vote& vote) {
  link.last_match = vote.later_time;
  const EventTime window = link.agreed_at != 0 ? rules_.flow_timeout : forming_window(flows_[link.later], link.domain);
  if (!links_.vote(link, vote, std::max(window, is_held_back(link, now_) ? rules_.maximum_latency : 0))) return;
  if (link.agreed_at == 0) link.agreed_at = now_;
  try_to_form(link, now_, false);
}

// Twins: near a signature that another origin flow shares, only a link that is older than it is believed. Of an origin
// that is gone nobody knows any more what it shared.
bool Matcher::State::is_doubtful(const Link& link, const Vote& vote) const {
  if (!flows_.is_there(vote.origin_flow)) return true;
  const EventTime shared = flows_[vote.origin_flow.index].shared.first_near(vote.origin_time);
  return shared != 0 && !(link.formed && link.formed_at < shared);
}

// The origin was running when tracking began: a loop entered half-way would show the wrong turn.
bool Matcher::State::is_held_back(Link& link, EventTime now) {
  const FlowRecord& origin = flows_[link.earlier];
  return origin.already_running && now < origin.first_seen + rules_.maximum_latency;
}

// Votes of a flow that was running before and turned out to repeat: the loop may have been entered half-way.
void Matcher::State::drop_loop_entered(Link& link) {
  const FlowRecord& origin = flows_[link.earlier];
  const FlowRecord& later = flows_[link.later];
  if (!origin.already_running) return;
  const EventTime hold_end = origin.first_seen + rules_.maximum_latency;
  const auto repeats = [&](const FlowRecord& flow) { return flow.first_repeat != 0 && flow.first_repeat <= hold_end; };
  if (!repeats(origin) && !repeats(later)) return;
  const EventTime last = std::max(origin.last_repeat, later.last_repeat);
  const std::size_t dropped = link.held.erase_if([&](const Vote& vote) { return vote.earlier_time <= last; });
  for (std::size_t i = 0; i < dropped; ++i) count(Collision::loop_entered);
  if (link.held.size() < rules_.minimum_matches) link.agreed_at = 0;
}

// One domain per link, and a finer one first, which may agree a moment later than a coarser one.
bool Matcher::State::waits_for_finer(const Link& link, EventTime now) const {
  if (link.domain == Domain::verbatim || now >= link.agreed_at + kFormingTime) return false;
  return now < link.agreed_at + kFinerTime || links_.finer_pending(link, link.agreed_at - kFinerTime);
}

// From now on the link is believed. The votes that it was held back with are handed over.
matching::HeldVotes Matcher::State::form(Link& link, EventTime now) {
  link.formed = true;
  link.formed_at = now;
  link.weighed = 0;
  flows_[link.later].follows = true;
  flows_[link.earlier].linked = flows_[link.later].linked = true;
  return std::exchange(link.held, {});
}

void Matcher::State::try_to_form(Link& link, EventTime now, bool at_end) {
  if (link.formed || link.agreed_at == 0) return;
  if (!at_end && (is_held_back(link, now) || waits_for_finer(link, now))) return;
  for (const Domain domain : kDomains) {  // whichever has a vote first once held back is over, the finer one records
    if (domain >= link.domain) break;
    Link* const finer = links_.find(link.earlier, link.later, domain);
    if (finer != nullptr) try_to_form(*finer, now, at_end);
  }
  drop_loop_entered(link);
  if (link.agreed_at == 0) return;
  for (const Vote& vote : form(link, now)) {
    if (is_doubtful(link, vote)) {
      count(Collision::origins);
    } else {
      record(link, vote);
    }
  }
}

void Matcher::State::form_links(EventTime now, bool at_end) {
  for (const Domain domain : kDomains) {  // the finer ones first: one records
    links_.each([&](matching::Link& link) {
      if (link.domain == domain) try_to_form(link, now, at_end);
    });
  }
}

}  // namespace audio_latency
