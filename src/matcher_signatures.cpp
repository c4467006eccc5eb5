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

std::uint64_t SignatureTable::hash_of(std::uint32_t index) const {
  return hash_(signatures_[index].value(), signatures_[index].domain);
}

std::uint32_t SignatureTable::find(std::uint64_t value, Domain domain) const {
  const auto id = static_cast<std::uint8_t>(domain);
  return index_.find(hash_(value, id),
                     [&](std::uint32_t i) { return signatures_[i].value() == value && signatures_[i].domain == id; });
}

void SignatureTable::prefetch_slot(std::uint64_t value, Domain domain) const {
  index_.prefetch(hash_(value, static_cast<std::uint64_t>(domain)));
}

void SignatureTable::prefetch_record(std::uint64_t value, Domain domain) const {
  const std::uint32_t first = index_.first(hash_(value, static_cast<std::uint64_t>(domain)));
  if (first < signatures_.size()) signatures_.prefetch(first);
}

// The queue's front goes soon: its record, and the slot that has to be cleared.
void SignatureTable::prefetch_oldest() const {
  constexpr std::size_t kAhead = 8;
  if (by_age_.size() <= 2 * kAhead) return;
  signatures_.prefetch(by_age_[2 * kAhead]);
  index_.prefetch(hash_of(by_age_[kAhead]));
}

void SignatureTable::prefetch_hops(std::uint32_t signature) const {
  const std::uint32_t first = signatures_[signature].first_hop;
  if (signatures_[signature].live && first < hops_.size()) hops_.prefetch(first);
}

void SignatureTable::prefetch_second_hop(std::uint32_t signature) const {
  const std::uint32_t first = signatures_[signature].first_hop;
  if (!signatures_[signature].live || first >= hops_.size()) return;
  if (const std::uint32_t second = hops_[first].next; second < hops_.size()) hops_.prefetch(second);
}

std::uint32_t SignatureTable::add(std::uint64_t value, Domain domain, std::uint32_t owner, EventTime now) {
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
  signatures_[index] = added;
  touch(index, now);
  signatures_[index].queued = queue_time(signatures_[index].last_seen_ms);
  index_.insert(hash_(value, added.domain), index);
  by_age_.push_back(index);
  ++live_;
  return index;
}

void SignatureTable::touch(std::uint32_t signature, EventTime now) {
  const std::uint32_t now_ms = milliseconds(now);
  if (signatures_[signature].hops == 0 || before(signatures_[signature].last_seen_ms, now_ms)) {
    signatures_[signature].last_seen_ms = now_ms;
  }
}

std::uint32_t SignatureTable::add_hop(std::uint32_t signature) {
  std::uint32_t index = free_hop_;
  if (index == kNone) {
    index = hops_.emplace_back();
  } else {
    Hop& hop = hops_[index];
    free_hop_ = hop.next_free_chain();
    if (hop.next != kNone) {
      hops_[hop.next].set_next_free_chain(free_hop_);
      free_hop_ = hop.next;
    }
    hop = Hop{};
  }
  hops_[index].next = signatures_[signature].first_hop;
  signatures_[signature].first_hop = index;
  ++signatures_[signature].hops;
  return index;
}

void SignatureTable::clear_hops(std::uint32_t signature) {
  if (const std::uint32_t first = signatures_[signature].first_hop; first != kNone) {
    hops_[first].set_next_free_chain(free_hop_);
    free_hop_ = first;
  }
  signatures_[signature].first_hop = kNone;
  signatures_[signature].hops = 0;
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
  const bool over = before(oldest.last_seen_ms, limit);  // after a long silence the queue's short times say nothing
  if (!over && !queued_before(oldest.queued, queue_time(limit))) return false;
  by_age_.pop_front();
  if (!over) {
    oldest.queued = queue_time(oldest.last_seen_ms);
    by_age_.push_back(index);
    return true;
  }
  owner = oldest.owner;
  remove(index);
  return true;
}

std::size_t SignatureTable::bytes() const {
  return index_.bytes() + signatures_.bytes() + hops_.bytes() + by_age_.size() * sizeof(std::uint32_t);
}

}  // namespace audio_latency::matching
