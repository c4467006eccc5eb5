// SPDX-License-Identifier: Apache-2.0
#include "matcher_links.hpp"

#include <algorithm>
#include <cstdlib>

namespace audio_latency::matching {
namespace {

constexpr std::size_t kMaximumHeld = 4096;  // votes of one link whose origin's history is still too short
constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;

}  // namespace

std::int64_t agreement_ns(std::int64_t median_ns) {
  return std::max<std::int64_t>(median_ns / 10, 20'000'000);
}

void DelayHistory::add(EventTime time, std::int64_t delay_ns) {
  const Sample sample{time, static_cast<float>(static_cast<double>(delay_ns) * 1e-9)};
  const Sample& newest = recent_[(next_recent_ + 63U) % 64];
  if (newest.time == 0 || time >= newest.time + 150 * kMillisecond) {
    recent_[next_recent_] = sample;
    next_recent_ = static_cast<std::uint8_t>((next_recent_ + 1U) % 64);
    usual_ = current_seconds(time);
  }
  const Sample& newest_second = seconds_[(next_second_ + 63U) % 64];
  if (newest_second.time == 0 || time >= newest_second.time + kSecond) {
    seconds_[next_second_] = sample;
    next_second_ = static_cast<std::uint8_t>((next_second_ + 1U) % 64);
  }
}

double DelayHistory::current_seconds(EventTime now) const {
  std::vector<float> delays;
  for (const Sample& sample : recent_) {
    if (sample.time != 0 && sample.time + 10 * kSecond >= now) delays.push_back(sample.delay_seconds);
  }
  if (delays.empty()) {  // nothing in the last 10 s: the last known delay stands
    const Sample& newest = recent_[(next_recent_ + 63U) % 64];
    return newest.delay_seconds;
  }
  const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
  std::nth_element(delays.begin(), middle, delays.end());
  return *middle;
}

// Least-squares slope of the delays over the last 60 s.
double DelayHistory::drift_ratio(EventTime now) const {
  double n = 0, sum_t = 0, sum_d = 0, sum_tt = 0, sum_td = 0;
  for (const Sample& sample : seconds_) {
    if (sample.time == 0 || sample.time + 60 * kSecond < now) continue;
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

std::uint64_t LinkTable::key_of(std::uint32_t earlier, std::uint32_t later, Domain domain) {
  return std::uint64_t{earlier} << 34 | std::uint64_t{later} << 4 | static_cast<std::uint64_t>(domain);
}

Link* LinkTable::find(std::uint32_t earlier, std::uint32_t later, Domain domain) {
  const auto found = links_.find(key_of(earlier, later, domain));
  return found == links_.end() ? nullptr : &found->second;
}

Link* LinkTable::find_or_add(std::uint32_t earlier, std::uint32_t later, Domain domain) {
  if (Link* found = find(earlier, later, domain)) return found;
  if (links_.size() >= rules_.maximum) return nullptr;
  Link& link = links_[key_of(earlier, later, domain)];
  link.earlier = earlier;
  link.later = later;
  link.domain = domain;
  return &link;
}

bool LinkTable::vote(Link& link, const Vote& vote, EventTime window) const {
  auto& held = link.held;
  std::erase_if(held, [&](const Vote& old) { return old.later_time + window < vote.later_time; });
  if (held.size() >= kMaximumHeld) held.erase(held.begin());
  held.push_back(vote);
  if (held.size() < rules_.minimum_matches) return false;
  std::vector<std::int64_t> delays;
  for (const Vote& each : held) delays.push_back(each.latency_ns);
  const auto middle = delays.begin() + static_cast<std::ptrdiff_t>(delays.size() / 2);
  std::nth_element(delays.begin(), middle, delays.end());
  const std::int64_t median = *middle;
  const auto agrees = [&](const Vote& each) { return std::llabs(each.latency_ns - median) <= agreement_ns(median); };
  if (static_cast<std::size_t>(std::count_if(held.begin(), held.end(), agrees)) < rules_.minimum_matches) return false;
  std::erase_if(held, [&](const Vote& each) { return !agrees(each); });
  return true;
}

void LinkTable::age(EventTime now) {
  std::erase_if(links_, [&](const auto& item) { return item.second.last_match + rules_.timeout < now; });
}

void LinkTable::forget_flow(std::uint32_t flow) {
  std::erase_if(links_, [&](const auto& item) { return item.second.earlier == flow || item.second.later == flow; });
}

std::size_t LinkTable::formed() const {
  return static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](const auto& item) { return item.second.formed; }));
}

}  // namespace audio_latency::matching
