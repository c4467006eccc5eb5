// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace audio_latency {

// The seed of all identity tables: random once a process, since whoever sends packets chooses the keys.
std::uint64_t identity_hash_seed();

// Open addressing, at most half full, built once and then only read: `find` neither allocates nor follows pointers. A
// byte of each key's hash lies apart, so that who is not there costs no look at the entries, and who is there one.
template <typename Key, typename Value>
class FlatTable {
  static_assert(std::has_unique_object_representations_v<Key>, "keys are hashed by their bytes");

 public:
  explicit FlatTable(std::size_t expected = 0) {
    if (expected > 0) resize(capacity_for(expected));
  }

  // The value of `key`, made by default where it was missing. Valid until the next insertion.
  Value& insert(const Key& key) {
    if ((size_ + 1) * 2 > tags_.size()) grow();
    const std::uint64_t hash = hash_of(key);
    const std::size_t at = position(key, hash);
    if (tags_[at] == kFree) {
      tags_[at] = tag_of(hash);
      entries_[at] = {key, Value{}};
      ++size_;
    }
    return entries_[at].value;
  }

  const Value* find(const Key& key) const {
    if (tags_.empty()) return nullptr;
    const std::size_t at = position(key, hash_of(key));
    return tags_[at] == kFree ? nullptr : &entries_[at].value;
  }

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return tags_.size() * (sizeof(Entry) + 1); }

 private:
  static constexpr std::uint8_t kFree = 0;
  static constexpr std::size_t kHalfLine = 32;  // an entry of that size does not lie across two cache lines
  struct Pair {
    Key key;
    Value value;
  };
  static constexpr std::size_t kAlignment = sizeof(Pair) == kHalfLine ? kHalfLine : alignof(Pair);
  struct alignas(kAlignment) Entry {
    Key key{};
    Value value{};
  };

  static std::uint64_t hash_of(const Key& key) { return XXH3_64bits_withSeed(&key, sizeof key, identity_hash_seed()); }
  static std::uint8_t tag_of(std::uint64_t hash) { return static_cast<std::uint8_t>(hash >> 57 | 0x80); }

  static std::size_t capacity_for(std::size_t expected) {
    std::size_t capacity = 16;
    while (capacity < expected * 2) capacity *= 2;
    return capacity;
  }

  // Of the key, or of the free place where it would be.
  std::size_t position(const Key& key, std::uint64_t hash) const {
    const std::size_t mask = tags_.size() - 1;
    const std::uint8_t tag = tag_of(hash);
    std::size_t at = hash & mask;
    while (tags_[at] != kFree && (tags_[at] != tag || !(entries_[at].key == key))) at = (at + 1) & mask;
    return at;
  }

  void resize(std::size_t capacity) {
    tags_.resize(capacity, kFree);
    entries_.resize(capacity);
  }

  void grow() {
    FlatTable larger(size_ + 1);
    for (std::size_t i = 0; i < tags_.size(); ++i) {
      if (tags_[i] != kFree) larger.insert(entries_[i].key) = entries_[i].value;
    }
    *this = std::move(larger);
  }

  std::vector<std::uint8_t> tags_;
  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace audio_latency
