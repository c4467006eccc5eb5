// SPDX-License-Identifier: Apache-2.0
#include "identity_registry.hpp"

#include <xxhash.h>

#include <random>

#include "identity_flat_table.hpp"

namespace audio_latency {
namespace {

constexpr std::uint32_t kIndexMask = (1U << EndpointRegistry::kIndexBits) - 1;
constexpr std::uint32_t kGenerations = 1U << (31 - EndpointRegistry::kIndexBits);

EndpointId next_generation(EndpointId id) {
  const std::uint32_t generation = ((id & ~EndpointRegistry::kMark) >> EndpointRegistry::kIndexBits) + 1;
  return EndpointRegistry::kMark | ((generation % kGenerations) << EndpointRegistry::kIndexBits) | (id & kIndexMask);
}

bool same(const Endpoint& a, const Endpoint& b) {
  return a.kind == b.kind && a.name == b.name && a.namespace_name == b.namespace_name && a.workload == b.workload &&
         a.node == b.node && a.uid == b.uid;
}

}  // namespace

std::uint64_t identity_hash_seed() {
  static const std::uint64_t seed = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  return seed;
}

EndpointRegistry::EndpointRegistry() = default;

EndpointRegistry::~EndpointRegistry() {
  for (auto& entry : chunks_) {
    const std::unique_ptr<Chunk> chunk(entry.load());
    if (!chunk) continue;
    for (Slot& slot : *chunk) delete slot.endpoint.load();
  }
}

std::uint64_t EndpointRegistry::hash(std::string_view key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), identity_hash_seed());
}

EndpointRegistry::Slot* EndpointRegistry::slot_of(EndpointId id) const {
  if ((id & kMark) == 0) return nullptr;
  const std::uint32_t index = id & kIndexMask;
  Chunk* chunk = chunks_[index / kChunk].load(std::memory_order_acquire);
  return chunk == nullptr ? nullptr : &(*chunk)[index % kChunk];
}

EndpointRegistry::Slot* EndpointRegistry::allocate() {
  std::uint32_t index = 0;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if (used_ > kIndexMask) return nullptr;
    index = used_++;
    auto& chunk = chunks_[index / kChunk];
    if (chunk.load(std::memory_order_relaxed) == nullptr) {
      chunk.store(std::make_unique<Chunk>().release(), std::memory_order_release);
    }
  }
  Slot& slot = (*chunks_[index / kChunk].load(std::memory_order_relaxed))[index % kChunk];
  if (slot.id.load(std::memory_order_relaxed) == 0) slot.id.store(kMark | index, std::memory_order_release);
  return &slot;
}

EndpointId EndpointRegistry::acquire(std::string_view key, Endpoint endpoint) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t hashed = hash(key);
  const auto known = by_key_.find(hashed);
  Slot* slot = known == by_key_.end() ? allocate() : slot_of(known->second);
  if (slot == nullptr) return 0;
  const EndpointId id = slot->id.load(std::memory_order_relaxed);
  slot->key = hashed;
  slot->released = 0;
  by_key_[hashed] = id;
  const Endpoint* old = slot->endpoint.load(std::memory_order_relaxed);
  if (old != nullptr && same(*old, endpoint)) return id;
  slot->endpoint.store(std::make_unique<const Endpoint>(std::move(endpoint)).release(), std::memory_order_release);
  bury(old);
  return id;
}

EndpointId EndpointRegistry::id_of(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto known = by_key_.find(hash(key));
  return known == by_key_.end() ? 0 : known->second;
}

void EndpointRegistry::release(EndpointId id, EventTime now) {
  const std::lock_guard lock(mutex_);
  Slot* slot = slot_of(id);
  if (slot == nullptr || slot->id.load(std::memory_order_relaxed) != id || slot->released != 0) return;
  slot->released = now == 0 ? 1 : now;
  released_.emplace_back(slot->released, id);
}

void EndpointRegistry::bury(const Endpoint* endpoint) {
  if (endpoint != nullptr) fresh_graves_.emplace_back(endpoint);
}

void EndpointRegistry::collect(EventTime now) {
  const std::lock_guard lock(mutex_);
  for (; !released_.empty() && released_.front().first + kKept <= now; released_.pop_front()) {
    const auto [time, id] = released_.front();
    Slot* slot = slot_of(id);
    if (slot->id.load(std::memory_order_relaxed) != id || slot->released != time) continue;  // it came back
    bury(slot->endpoint.exchange(nullptr, std::memory_order_acq_rel));
    by_key_.erase(slot->key);
    slot->released = 0;
    // A reader loads the endpoint first and the id second, so it never pairs an old id with a new endpoint.
    slot->id.store(next_generation(id), std::memory_order_release);
    free_.push_back(id & kIndexMask);
  }
  // A reader may hold an endpoint that it has just looked up: it is freed only kKept later.
  for (auto& grave : fresh_graves_) graves_.emplace_back(now, std::move(grave));
  fresh_graves_.clear();
  while (!graves_.empty() && graves_.front().first + kKept <= now) graves_.pop_front();
}

const Endpoint* EndpointRegistry::find(EndpointId id) const {
  const Slot* slot = slot_of(id);
  if (slot == nullptr) return nullptr;
  const Endpoint* endpoint = slot->endpoint.load(std::memory_order_acquire);
  return slot->id.load(std::memory_order_acquire) == id ? endpoint : nullptr;
}

std::size_t EndpointRegistry::size() const {
  const std::lock_guard lock(mutex_);
  return by_key_.size();
}

}  // namespace audio_latency
