// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace audio_latency {

// The seed of all identity tables: random once a process, since whoever sends packets chooses the keys.
std::uint64_t identity_hash_seed();

// Open addressing, at most half full, built once and then only read: `find` neither allocates nor follows pointers.
template <typename Key, typename Value>
class FlatTable {
  static_assert(std::has_unique_object_representations_v<Key>, "keys are hashed by their bytes");

 public:
  explicit FlatTable(std::size_t expected = 0) {
    if (expected > 0) slots_.resize(capacity_for(expected));
  }

  // The value of `key`, made by default where it was missing. Valid until the next insertion.
  Value& insert(const Key& key) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[position(key)];
    if (!slot.used) {
      slot = {key, Value{}, true};
      ++size_;
    }
    return slot.value;
  }

  const Value* find(const Key& key) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[position(key)];
    return slot.used ? &slot.value : nullptr;
  }

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  static std::size_t capacity_for(std::size_t expected) {
    std::size_t capacity = 16;
    while (capacity < expected * 2) capacity *= 2;
    return capacity;
  }

  std::size_t position(const Key& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = XXH3_64bits_withSeed(&key, sizeof key, identity_hash_seed()) & mask;
    while (slots_[at].used && !(slots_[at].key == key)) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(capacity_for(size_ + 1));
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.used) slots_[position(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace audio_latency
