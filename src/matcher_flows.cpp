// SPDX-License-Identifier: Apache-2.0
#include "matcher_flows.hpp"

#include <algorithm>
#include <utility>

#include "flow_relief.hpp"
#include "prefetch.hpp"

namespace audio_latency::matching {
namespace {

constexpr EventTime kAgeStep = 1'000'000'000;    // ns: how exactly flows are kept in the order of their last sighting
constexpr std::size_t kAgedByOneMore = 2;        // flows that may go for each that is added: faster than they come
constexpr EventTime kTwinReach = 2'000'000'000;  // ns: how near a shared signature makes a match doubtful (matching.md)

// A flow may be named after it was first seen; a change from one name to another means that somebody else has the
// address now, and nothing of the old owner's may be counted for the new one.
bool changed(const Placement& before, const Placement& now) {
  return before.endpoint != 0 && now.endpoint != 0 && before.endpoint != now.endpoint;
}

bool has_new_owner(const FlowRecord& flow, const PlacedObservation& seen) {
  return changed(flow.sender, seen.sender) || changed(flow.receiver, seen.receiver);
}

}  // namespace

void SharedTimes::add(EventTime time) {
  for (Span& span : spans_) {
    if (span.first != 0 && time + kTwinReach >= span.first && time <= span.last + kTwinReach) {
      span.first = std::min(span.first, time);
      span.last = std::max(span.last, time);
      return;
    }
  }
  spans_[next_] = {time, time};
  next_ = (next_ + 1) % spans_.size();
}

EventTime SharedTimes::first_near(EventTime time) const {
  if (spans_[0].first == 0) return 0;  // never shared: most flows
  EventTime first = 0;
  for (const Span& span : spans_) {
    if (span.first == 0 || time + kTwinReach < span.first || time > span.last + kTwinReach) continue;
    const EventTime nearest = std::max(span.first, time > kTwinReach ? time - kTwinReach : 0);
    if (first == 0 || nearest < first) first = nearest;
  }
  return first;
}

std::uint32_t CapturePoints::number_of(const CapturePoint& point) {
  for (std::uint32_t number = 0; number < count_; ++number) {
    if (points_[number] == point) return number;
  }
  if (count_ < points_.size()) ++count_;
  points_[count_ - 1U] = point;
  return count_ - 1U;
}

FlowTable::FlowTable(const FlowLimits& limits, const KeyedHash& hash)
    : limits_(limits), hash_(hash), index_(limits.maximum) {}

void FlowTable::prefetch_record(std::uint64_t hash) const {
  const std::uint32_t first = index_.first(hash);
  if (first < records_.size()) prefetch(&records_[first], &records_[first].coverage);
}

std::uint32_t FlowTable::find_or_add(const PlacedObservation& seen, std::uint64_t hash, EventTime now,
                                     Refusal& refusal) {
  refusal = Refusal::none;
  const FlowKey& key = seen.observation.flow;
  std::uint32_t found = last_found_;  // events of one packet come together
  if (found == kNone || records_[found].key != key) {
    found = index_.find(hash, [&](std::uint32_t i) { return records_[i].key == key; });
  }
  if (found != kNone && has_new_owner(records_[found], seen)) {
    remove(found);
    found = kNone;
  }
  if (found == kNone) found = add(seen, hash, now, refusal);
  if (found == kNone) return kNone;
  FlowRecord& flow = records_[found];
  see(found, seen.observation.time);
  flow.sender = seen.sender;
  flow.receiver = seen.receiver;
  last_found_ = found;
  return found;
}

std::uint32_t FlowTable::find(const FlowKey& key) const {
  return index_.find(hash_(key), [&](std::uint32_t i) { return records_[i].key == key; });
}

// Moved to the end of the order once a second at most.
void FlowTable::see(std::uint32_t index, EventTime time) {
  FlowRecord& flow = records_[index];
  see_from(index, time);
  if (time <= flow.last_seen) return;
  const bool later = time / kAgeStep != flow.last_seen / kAgeStep;
  flow.last_seen = time;
  if (!later || index == newest_) return;
  take_out(index);
  put_last(index);
}

void FlowTable::put_last(std::uint32_t index) {
  records_[index].older = newest_;
  records_[index].newer = kNone;
  (newest_ == kNone ? oldest_ : records_[newest_].newer) = index;
  newest_ = index;
}

void FlowTable::take_out(std::uint32_t index) {
  const FlowRecord& flow = records_[index];
  (flow.older == kNone ? oldest_ : records_[flow.older].newer) = flow.newer;
  (flow.newer == kNone ? newest_ : records_[flow.newer].older) = flow.older;
}

std::uint32_t FlowTable::add(const PlacedObservation& seen, std::uint64_t hash, EventTime now, Refusal& refusal) {
  age(now, kAgedByOneMore);
  if (live_ >= limits_.maximum) {
    refusal = Refusal::full;
    return kNone;
  }
  const std::uint32_t owner = owner_of(seen.sender.component);
  if (seen.sender.component != 0 && owners_[owner].flows >= std::max(limits_.maximum / 10, 1U)) {
    refusal = Refusal::quota;
    return kNone;
  }
  std::uint32_t index = static_cast<std::uint32_t>(records_.size());
  std::uint8_t generation = 0;
  if (free_.empty()) {
    records_.emplace_back();
  } else {
    index = free_.front();
    free_.pop_front();
    generation = (records_[index].generation + 1) & 15;
  }
  FlowRecord flow;
  flow.key = seen.observation.flow;
  flow.first_seen = flow.last_seen = seen.observation.time;
  flow.owner = owner;
  flow.generation = generation;
  flow.used = true;
  records_[index] = flow;
  ++owners_[owner].flows;
  ++live_;
  index_.insert(hash, index);
  put_last(index);
  return index;
}

std::uint32_t FlowTable::owner_of(ComponentId component) {
  const auto found = owner_index_.find(component);
  if (found != owner_index_.end()) return found->second;
  std::uint32_t index = static_cast<std::uint32_t>(owners_.size());
  if (free_owners_.empty()) {
    owners_.emplace_back();
  } else {
    index = free_owners_.back();
    free_owners_.pop_back();
  }
  owners_[index] = {component, 0, 0};
  owner_index_.emplace(component, index);
  return index;
}

void FlowTable::drop_signature(std::uint32_t owner) {
  --owners_[owner].signatures;
  release_if_unused(owner);
}

void FlowTable::release_if_unused(std::uint32_t owner) {
  if (owners_[owner].flows > 0 || owners_[owner].signatures > 0) return;
  owner_index_.erase(owners_[owner].component);
  free_owners_.push_back(owner);
}

std::vector<std::uint32_t> FlowTable::take_gone() {
  return std::exchange(gone_, {});
}

void FlowTable::age(EventTime now, std::size_t at_most) {
  for (; at_most > 0 && oldest_ != kNone && records_[oldest_].last_seen + limits_.timeout < now; --at_most)
    remove(oldest_);
}

void FlowTable::relieve_table(EventTime now) {
  if (live_ <= half_of_share(limits_.maximum)) return;
  std::vector<DispensableFlow> dispensable;
  for (std::uint32_t i = oldest_; i != kNone && records_[i].last_seen + limits_.unlinked < now; i = records_[i].newer) {
    if (records_[i].linked) continue;
    const Owner& owner = owners_[records_[i].owner];
    dispensable.push_back({records_[i].last_seen, owner.component == 0 ? nullptr : &owner.flows, i});
  }
  for (const DispensableFlow& gone : relieve(std::move(dispensable), live_, limits_.maximum)) {
    remove(static_cast<std::uint32_t>(gone.number));
    ++relieved_;
  }
}

void FlowTable::remove(std::uint32_t index) {
  index_.erase(hash_(records_[index].key), index);
  --owners_[records_[index].owner].flows;
  release_if_unused(records_[index].owner);
  take_out(index);
  records_[index].used = false;
  gone_.push_back(index);
  free_.push_back(index);
  --live_;
  last_found_ = kNone;
}

}  // namespace audio_latency::matching
