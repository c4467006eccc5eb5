// SPDX-License-Identifier: Apache-2.0
#include "matcher_signatures.hpp"

namespace audio_latency::matching {
namespace {

// Milliseconds wrap after 49 days; a difference below half of that is never ambiguous here.
bool before(std::uint32_t a_ms, std::uint32_t b_ms) {
  return static_cast<std::int32_t>(a_ms - b_ms) < 0;
}

// The queue of ages counts 64 ms and wraps after 70 minutes.
std::uint16_t queue_time(std::uint32_t ms) {
  return static_cast<std::uint16_t>(ms >> 6);
}
bool queued_before(std::uint16_t a, std::uint16_t b) {
  return static_cast<std::int16_t>(a - b) < 0;
}

}  // namespace

SignatureTable::SignatureTable(std::uint32_t maximum, const KeyedHash& hash)
    : maximum_(maximum), hash_(hash), index_(maximum) {}

std::uint32_t SignatureTable::fetch_record(std::uint64_t hash) const {
  const std::uint32_t first = index_.first(hash);
  signatures_.prefetch(first);
  return first;
}

std::uint32_t SignatureTable::newest_flow(std::uint32_t signature) const {
  const std::uint32_t newest = newest_hop(signature);
  return newest == kNone ? kNone : hops_[newest].flow;
}

std::uint32_t SignatureTable::fetch_hop_before(std::uint32_t signature) const {
  const std::uint32_t newest = newest_hop(signature);
  if (newest == kNone) return kNone;
  hops_.prefetch(hops_[newest].next);
  return hops_[newest].flow;
}

std::uint32_t SignatureTable::flow_before(std::uint32_t signature) const {
  const std::uint32_t newest = newest_hop(signature);
  if (newest == kNone || hops_[newest].next == kNone) return kNone;
  return hops_[hops_[newest].next].flow;
}

// The queue's front goes soon: its record, its hops, and the slot that has to be cleared.
void SignatureTable::fetch_oldest() const {
  constexpr std::size_t kStep = 6;
  if (by_age_.size() <= 3 * kStep) return;
  signatures_.prefetch(by_age_[3 * kStep]);
  const std::uint32_t nearer = by_age_[2 * kStep];
  index_.prefetch(hash_of(nearer));
  fetch_newest_hop(nearer);
  fetch_hop_before(by_age_[kStep]);
}

std::uint32_t SignatureTable::add(std::uint64_t hash, std::uint64_t value, Domain domain, std::uint32_t owner,
                                  EventTime now) {
  std::uint32_t index = free_signature_;
  std::uint8_t generation = 0;
  if (index == kNone) {
    index = signatures_.emplace_back();
  } else {
    free_signature_ = signatures_[index].first_hop;
    generation = static_cast<std::uint8_t>(signatures_[index].generation + 1);
  }
  Signature added;
  added.value_low = static_cast<std::uint32_t>(value);
  added.value_high = static_cast<std::uint32_t>(value >> 32);
  added.domain = static_cast<std::uint8_t>(domain) & 7;
  added.owner = owner & 0xffffff;
  added.live = true;
  added.generation = generation;
  added.last_seen_ms = milliseconds(now);
  added.queued = queue_time(added.last_seen_ms);
  signatures_[index] = added;
  index_.insert(hash, index);
  by_age_.push_back(index);
  ++live_;
  return index;
}

void SignatureTable::touch(std::uint32_t signature, EventTime now) {
  Signature& touched = signatures_[signature];
  const std::uint32_t now_ms = milliseconds(now);
  if (touched.hops == 0 || before(touched.last_seen_ms, now_ms)) touched.last_seen_ms = now_ms;
}

std::uint32_t SignatureTable::add_hop(std::uint32_t signature) {
  std::uint32_t index = free_hop_;
  if (index == kNone) {
    index = hops_.emplace_back();
  } else {
    free_hop_ = hops_[index].next;
    hops_[index] = Hop{};
  }
  Signature& extended = signatures_[signature];
  hops_[index].next = extended.first_hop;
  extended.first_hop = index;
  ++extended.hops;
  return index;
}

void SignatureTable::clear_hops(std::uint32_t signature) {
  Signature& cleared = signatures_[signature];
  for (std::uint32_t at = cleared.first_hop; at != kNone;) {
    Hop& hop = hops_[at];
    const std::uint32_t next = hop.next;
    hop.next = free_hop_;
    free_hop_ = at;
    at = next;
  }
  cleared.first_hop = kNone;
  cleared.hops = 0;
}

void SignatureTable::remove(std::uint32_t index) {
  clear_hops(index);
  index_.erase(hash_of(index), index);
  signatures_[index].live = false;
  signatures_[index].first_hop = free_signature_;
  free_signature_ = index;
  --live_;
}

Evicted SignatureTable::evict_oldest(EventTime young_after) {
  if (by_age_.empty()) return {};
  const std::uint32_t index = by_age_.front();
  by_age_.pop_front();
  const Evicted gone{signatures_[index].owner, before(milliseconds(young_after), signatures_[index].last_seen_ms)};
  remove(index);
  return gone;
}

// Those seen again since they were queued go to the back once more: amortised O(1), since a signature is sighted for a
// few seconds and lives for a dozen.
bool SignatureTable::expire_step(EventTime expired_before, std::uint32_t& owner) {
  owner = kNone;
  if (by_age_.empty()) return false;
  const std::uint32_t index = by_age_.front();
  Signature& oldest = signatures_[index];
  const std::uint32_t limit = milliseconds(expired_before);
  if (!queued_before(oldest.queued, queue_time(limit))) return false;
  by_age_.pop_front();
  if (!before(oldest.last_seen_ms, limit)) {
    oldest.queued = queue_time(oldest.last_seen_ms);
    by_age_.push_back(index);
    return true;
  }
  owner = oldest.owner;
  remove(index);
  return true;
}

std::size_t SignatureTable::bytes() const {
  return index_.bytes() + signatures_.bytes() + hops_.bytes() + by_age_.bytes();
}

}  // namespace audio_latency::matching
