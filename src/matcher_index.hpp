// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "audio_latency/net.hpp"
#include "matcher_pool.hpp"

namespace audio_latency::matching {

constexpr std::uint32_t kNone = 0xffffffff;

// A keyed 128-to-64-bit hash (folded multiplication, as in wyhash). The key is secret and per process, because the
// signatures' seeds are public: nobody can aim at one bucket.
class KeyedHash {
 public:
  KeyedHash();  // key from getrandom(2)
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return fold(a ^ key_[0], b ^ key_[1]); }
  std::uint64_t operator()(const FlowKey& flow) const;

 private:
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t key_[2];
};

// Open-addressing map from a hash to the index of a record in its owner's pool, with linear probing. A slot holds the
// index and as many hash bits as fit beside it, so that few wrong records are touched. Deletion touches no record: it
// leaves a mark, or nothing where the run of slots ends there. Not resized: at most half full.
class IndexTable {
 public:
  explicit IndexTable(std::size_t capacity)
      : index_bits_(static_cast<unsigned>(std::bit_width(capacity + 2))),
        mask_(std::bit_ceil(capacity * 2 < 16 ? 16 : capacity * 2) - 1),
        slots_(mask_ + 1, kEmpty) {
    prefer_huge_pages(slots_.data(), slots_.size() * sizeof slots_[0]);
  }

  // The index whose record `is_it` accepts, else kNone.
  template <class IsIt>
  std::uint32_t find(std::uint64_t hash, IsIt is_it) const {
    for (std::size_t at = hash & mask_; slots_[at] != kEmpty; at = (at + 1) & mask_) {
      const std::uint32_t slot = slots_[at];
      if (slot != kDeleted && tag_of(slot) == tag(hash) && is_it(index_of(slot))) return index_of(slot);
    }
    return kNone;
  }

  void insert(std::uint64_t hash, std::uint32_t index) {
    std::size_t at = hash & mask_;
    while (slots_[at] > kDeleted) at = (at + 1) & mask_;
    slots_[at] = (tag(hash) << index_bits_) | (index + kFirst);
  }

  void erase(std::uint64_t hash, std::uint32_t index) {
    std::size_t at = hash & mask_;
    while (slots_[at] == kDeleted || (slots_[at] != kEmpty && index_of(slots_[at]) != index)) at = (at + 1) & mask_;
    if (slots_[at] == kEmpty) return;
    if (slots_[(at + 1) & mask_] != kEmpty) {
      slots_[at] = kDeleted;
      return;
    }
    do {  // the run ends here: no mark is needed, nor are those before it
      slots_[at] = kEmpty;
      at = (at - 1) & mask_;
    } while (slots_[at] == kDeleted);
  }

  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  // The index in the first slot with the hash's tag among the two that come first; kNone: most likely not there.
  std::uint32_t first(std::uint64_t hash) const {
    for (std::size_t at = hash & mask_, step = 0; step < 2; ++step, at = (at + 1) & mask_) {
      if (slots_[at] > kDeleted && tag_of(slots_[at]) == tag(hash)) return index_of(slots_[at]);
    }
    return kNone;
  }

  std::size_t bytes() const { return slots_.capacity() * sizeof(std::uint32_t); }

 private:
  static constexpr std::uint32_t kEmpty = 0, kDeleted = 1, kFirst = 2;  // a record's index is stored from kFirst on

  std::uint32_t index_of(std::uint32_t slot) const {
    return static_cast<std::uint32_t>((slot & ((1ULL << index_bits_) - 1)) - kFirst);
  }
  std::uint32_t tag_of(std::uint32_t slot) const {
    return static_cast<std::uint32_t>(std::uint64_t{slot} >> index_bits_);
  }
  std::uint32_t tag(std::uint64_t hash) const {
    return static_cast<std::uint32_t>((hash >> 32) & ((1ULL << (32 - index_bits_)) - 1));
  }

  unsigned index_bits_;
  std::size_t mask_;
  std::vector<std::uint32_t> slots_;
};

}  // namespace audio_latency::matching
