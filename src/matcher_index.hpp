// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

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
  std::uint64_t operator()(const FlowKey& flow) const {
    std::uint64_t words[4];
    std::memcpy(words, flow.source.ip.bytes.data(), 16);
    std::memcpy(words + 2, flow.destination.ip.bytes.data(), 16);
    const std::uint64_t ports =
        std::uint64_t{flow.source.port} << 24 | std::uint64_t{flow.destination.port} << 8 | flow.protocol;
    const std::uint64_t source = (*this)(words[0] ^ ports, words[1]);
    return (*this)(source ^ words[2], words[3] ^ ports);
  }

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
      : tag_mask_(~static_cast<std::uint32_t>((std::uint64_t{1} << std::bit_width(capacity + 2)) - 1)),
        mask_(std::bit_ceil(capacity * 2 < 16 ? 16 : capacity * 2) - 1),
        slots_(mask_ + 1) {
    std::fill_n(&slots_[0], mask_ + 1, kEmpty);
  }

  // The index whose record `is_it` accepts, else kNone.
  template <class IsIt>
  std::uint32_t find(std::uint64_t hash, IsIt is_it) const {
    const std::uint32_t wanted = tag(hash);
    for (std::size_t at = hash & mask_; slots_[at] != kEmpty; at = (at + 1) & mask_) {
      const std::uint32_t slot = slots_[at];
      if (has_tag(slot, wanted) && slot != kDeleted && is_it(index_of(slot))) return index_of(slot);
    }
    return kNone;
  }

  void insert(std::uint64_t hash, std::uint32_t index) {
    std::size_t at = hash & mask_;
    while (slots_[at] > kDeleted) at = (at + 1) & mask_;
    slots_[at] = tag(hash) | (index + kFirst);
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

  void prefetch(std::uint64_t hash) const {
    __builtin_prefetch(&slots_[hash & mask_]);
    __builtin_prefetch(&slots_[(hash + kNear) & mask_]);  // most searches end before
  }
  // The index in the first slot with the hash's tag among those near; kNone: most likely not there.
  std::uint32_t first(std::uint64_t hash) const {
    const std::uint32_t wanted = tag(hash);
    for (std::size_t at = hash & mask_, step = 0; step < kNear; ++step, at = (at + 1) & mask_) {
      if (slots_[at] == kEmpty) return kNone;
      if (has_tag(slots_[at], wanted) && slots_[at] != kDeleted) return index_of(slots_[at]);
    }
    return kNone;
  }

  std::size_t bytes() const { return (mask_ + 1) * sizeof(std::uint32_t); }

 private:
  static constexpr std::size_t kNear = 8;
  static constexpr std::uint32_t kEmpty = 0, kDeleted = 1, kFirst = 2;  // a record's index is stored from kFirst on

  std::uint32_t index_of(std::uint32_t slot) const { return (slot & ~tag_mask_) - kFirst; }
  bool has_tag(std::uint32_t slot, std::uint32_t wanted) const { return ((slot ^ wanted) & tag_mask_) == 0; }
  std::uint32_t tag(std::uint64_t hash) const { return static_cast<std::uint32_t>(hash >> 32) & tag_mask_; }

  std::uint32_t tag_mask_;  // the bits of a slot above those of the index
  std::size_t mask_;
  TableMemory<std::uint32_t> slots_;
};

}  // namespace audio_latency::matching
