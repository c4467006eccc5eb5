// SPDX-License-Identifier: Apache-2.0
#include "matcher_links.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace audio_latency::matching {
namespace {

constexpr std::size_t kMaximumHeld = 4096;      // votes of one link that agree and wait
constexpr std::size_t kMaximumUndecided = 256;  // votes of one link that do not agree
constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kSpeakerGone = 5 * kSecond;  // without a match: another domain may record
constexpr double kFarMore = 12;                  // matches that chance may give the one and not yet the other
constexpr std::size_t kEnds = 2;                 // of a link: the earlier flow, the later

std::uint32_t flow_at(const Link& link, std::size_t end) {
  return end == 0 ? link.earlier : link.later;
}

}  // namespace

std::int64_t agreement_ns(std::int64_t median_ns) {
  return std::max<std::int64_t>(median_ns / 10, 20'000'000);
}

void DelayHistory::keep(std::vector<Sample>& ring, std::uint8_t& next, const Sample& sample) {
  if (ring.size() < kSamples) {
    ring.push_back(sample);
  } else {
    ring[next] = sample;
  }
  next = static_cast<std::uint8_t>((next + 1U) % kSamples);
}

void DelayHistory::add(EventTime time, std::int64_t delay_ns) {
  const Sample sample{time, static_cast<float>(static_cast<double>(delay_ns) * 1e-9)};
  if (time >= newest_recent_ + 150 * kMillisecond) {
    newest_recent_ = time;
    keep(recent_, next_recent_, sample);
  }
  if (time >= newest_second_ + kSecond) {
    newest_second_ = time;
    keep(seconds_, next_second_, sample);
    usual_ = current_seconds(time);
  }
}

double DelayHistory::current_seconds(EventTime now) const {
  std::vector<float> delays;
  for (const Sample& sample : recent_) {
    if (sample.time + 10 * kSecond >= now) delays.push_back(sample.delay_seconds);
  }
  if (delays.empty()) {  // nothing in the last 10 s: the last known delay stands
    return usual_;
  }
  const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
  std::nth_element(delays.begin(), middle, delays.end());
  return *middle;
}

// Least-squares slope of the delays over the last 60 s.
double DelayHistory::drift_ratio(EventTime now) const {
  double n = 0, sum_t = 0, sum_d = 0, sum_tt = 0, sum_td = 0;
  for (const Sample& sample : seconds_) {
    if (sample.time + 60 * kSecond < now) continue;
    const double t = -static_cast<double>(static_cast<std::int64_t>(now - sample.time)) * 1e-9;
    n += 1;
    sum_t += t;
    sum_d += sample.delay_seconds;
    sum_tt += t * t;
    sum_td += t * sample.delay_seconds;
  }
  const double spread = n * sum_tt - sum_t * sum_t;
  return n < 3 || spread <= 0 ? 0 : (n * sum_td - sum_t * sum_d) / spread;
}

double Pace::at(EventTime time) const {
  return time <= time_ ? matches_ : matches_ * std::exp2(-static_cast<double>(time - time_) / (2.0 * kSecond));
}

void Pace::add(EventTime time) {
  matches_ = at(time) + 1;
  time_ = std::max(time_, time);
}

LinkTable::LinkTable(const LinkRules& rules, const KeyedHash& hash)
    : rules_(rules), hash_(hash), index_(rules.maximum) {}

std::uint64_t LinkTable::pair_of(std::uint32_t earlier, std::uint32_t later) {
  return std::uint64_t{earlier} << 32 | later;
}

std::uint64_t LinkTable::hash_of(std::uint32_t index) const {
  return hash_(pair_of(links_[index].earlier, links_[index].later), static_cast<std::uint64_t>(links_[index].domain));
}

std::uint32_t LinkTable::find_index(std::uint32_t earlier, std::uint32_t later, Domain domain) const {
  return index_.find(hash_(pair_of(earlier, later), static_cast<std::uint64_t>(domain)), [&](std::uint32_t i) {
    return links_[i].earlier == earlier && links_[i].later == later && links_[i].domain == domain;
  });
}

Link* LinkTable::find(std::uint32_t earlier, std::uint32_t later, Domain domain) {
  const std::uint32_t index = find_index(earlier, later, domain);
  return index == kNone ? nullptr : &links_[index];
}

const Link* LinkTable::find(std::uint32_t earlier, std::uint32_t later, Domain domain) const {
  const std::uint32_t index = find_index(earlier, later, domain);
  return index == kNone ? nullptr : &links_[index];
}

Link* LinkTable::find_or_add(std::uint32_t earlier, std::uint32_t later, Domain domain, std::uint32_t owner,
                             Refusal& refusal) {
  if (Link* found = find(earlier, later, domain)) return found;
  if (owner != kNone && owner >= of_owner_.size()) of_owner_.resize(owner + 1U);
  const bool greedy = owner != kNone && of_owner_[owner] >= rules_.maximum / 10;
  refusal = live_ >= rules_.maximum ? Refusal::full : greedy ? Refusal::quota : Refusal::none;
  if (refusal != Refusal::none) return nullptr;
  std::uint32_t index = kNone;
  if (free_.empty()) {
    index = links_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Link& link = links_[index];
  link.earlier = earlier;
  link.later = later;
  link.owner = owner;
  link.domain = domain;
  link.used = true;
  if (owner != kNone) ++of_owner_[owner];
  ++live_;
  ++by_domain_[static_cast<std::size_t>(domain)];
  index_.insert(hash_of(index), index);
  for (std::size_t end = 0; end < kEnds; ++end) chain(index, end);
  return &link;
}

void LinkTable::remove(std::uint32_t index) {
  index_.erase(hash_of(index), index);
  for (std::size_t end = 0; end < kEnds; ++end) unchain(index, end);
  --by_domain_[static_cast<std::size_t>(links_[index].domain)];
  if (links_[index].owner != kNone) --of_owner_[links_[index].owner];
  links_[index] = Link{};
  free_.push_back(index);
  --live_;
}

void LinkTable::chain(std::uint32_t index, std::size_t end) {
  const std::uint32_t flow = flow_at(links_[index], end);
  std::vector<std::uint32_t>& firsts = first_of_flow_[end];
  if (flow >= firsts.size()) firsts.resize(std::size_t{flow} + 1, kNone);
  links_[index].of_flow[end].after = firsts[flow];
  if (firsts[flow] != kNone) links_[firsts[flow]].of_flow[end].before = index;
  firsts[flow] = index;
}

void LinkTable::unchain(std::uint32_t index, std::size_t end) {
  const auto [before, after] = links_[index].of_flow[end];
  (before == kNone ? first_of_flow_[end][flow_at(links_[index], end)] : links_[before].of_flow[end].after) = after;
  if (after != kNone) links_[after].of_flow[end].before = before;
}

bool LinkTable::vote(Link& link, const Vote& vote, EventTime window) {
  HeldVotes& held = link.held;
  while (!held.empty() && held.front().later_time + window < vote.later_time) held.pop_front();
  const bool weighed = link.weighed != 0 && !held.empty();
  if (weighed && std::llabs(vote.latency_ns - link.held_delay_ns) > agreement_ns(link.held_delay_ns))
    return held.size() >= rules_.minimum_matches;
  if (held.size() >= (weighed ? kMaximumHeld : kMaximumUndecided)) held.pop_front();
  held.push_back(vote);
  if (held.size() < rules_.minimum_matches) return false;
  return weighed && held.size() < 2 * link.weighed ? true : weigh(link);
}

// The median is taken when votes first agree and each time their number has doubled, so that a long wait costs the same
// for each vote.
bool LinkTable::weigh(Link& link) {
  HeldVotes& held = link.held;
  steps_ += held.size();
  std::vector<std::int64_t> delays;
  delays.reserve(held.size());
  for (const Vote& each : held) delays.push_back(each.latency_ns);
  const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
  std::nth_element(delays.begin(), middle, delays.end());
  const std::int64_t median = *middle;
  const auto agrees = [&](const Vote& each) { return std::llabs(each.latency_ns - median) <= agreement_ns(median); };
  link.weighed = 0;
  if (static_cast<std::size_t>(std::count_if(held.begin(), held.end(), agrees)) < rules_.minimum_matches) return false;
  held.erase_if([&](const Vote& each) { return !agrees(each); });
  link.held_delay_ns = median;
  link.weighed = held.size();
  return true;
}

// A domain that half survives (mu-law through A-law: loud windows only) matches now and then for ever.
bool LinkTable::spoken_for(const Link& link, EventTime time) const {
  std::array<const Link*, kDomains.size()> candidates{};
  std::size_t count = 0;
  for (const Domain domain : kDomains) {
    if (by_domain_[static_cast<std::size_t>(domain)] == 0) continue;
    const Link* const each = domain == link.domain ? &link : find(link.earlier, link.later, domain);
    if (each == nullptr || !each->formed || each->last_match + kSpeakerGone < time) continue;
    std::size_t at = count++;  // in the order in which they formed, the finer one first
    for (; at > 0 && each->formed_at < candidates[at - 1]->formed_at; --at) candidates[at] = candidates[at - 1];
    candidates[at] = each;
  }
  if (count < 2) return false;
  const Link* speaker = candidates[0];  // not in turns: one of two that are nearly as good goes on
  for (std::size_t i = 1; i < count; ++i) {
    if (candidates[i]->spoke_at > speaker->spoke_at) speaker = candidates[i];
  }
  const Link* const last = speaker;
  for (std::size_t i = 0; i < count; ++i) {
    if (candidates[i] != last && candidates[i]->pace.at(time) > 2 * speaker->pace.at(time) + kFarMore)
      speaker = candidates[i];
  }
  return speaker != &link;
}

bool LinkTable::finer_pending(const Link& link, EventTime since) const {
  return std::any_of(kDomains.begin(), kDomains.end(), [&](Domain domain) {
    const Link* const finer = domain < link.domain ? find(link.earlier, link.later, domain) : nullptr;
    return finer != nullptr && !finer->formed && finer->last_match >= since;
  });
}

void LinkTable::age(EventTime now) {
  for (std::uint32_t i = 0; i < links_.size(); ++i) {
    if (links_[i].used && links_[i].last_match + rules_.timeout < now) remove(i);
  }
}

void LinkTable::forget_flow(std::uint32_t flow) {
  for (std::vector<std::uint32_t>& firsts : first_of_flow_) {
    for (; flow < firsts.size() && firsts[flow] != kNone; ++steps_) remove(firsts[flow]);
  }
}

std::size_t LinkTable::formed() const {
  std::size_t formed = 0;
  each([&](const Link& link) { formed += link.formed && link.matches > 0 ? 1 : 0; });
  return formed;
}

}  // namespace audio_latency::matching
