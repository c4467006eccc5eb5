// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "keyed_hash.hpp"
#include "matcher_pool.hpp"

namespace audio_latency::matching {

constexpr std::uint32_t kNone = 0xffffffff;

// A flow by its place in the table of flows, and which of those that had the place one after the other it is.
struct FlowRef {
  std::uint32_t index = kNone;
  std::uint8_t generation = 0;

  bool operator==(const FlowRef&) const = default;
};

// Map from a hash to the index of a record in its owner's pool. A bucket is a cache line: fifteen slots, each with an
// index and as many hash bits as fit beside it, so that few wrong records are touched, and how many records went on to
// the buckets behind since this one was full. So a record that goes leaves nothing behind that look-ups would have to
// pass, and no record is touched for it. Not resized: about half full at most.
class IndexTable {
 public:
  explicit IndexTable(std::size_t capacity)
      : index_bits_(static_cast<unsigned>(std::bit_width(capacity + 1))),
        mask_(std::bit_ceil(capacity < kSlots / 2 ? 1 : capacity * 2 / (kSlots + 1)) - 1),
        buckets_(mask_ + 1) {}

  // The index whose record `is_it` accepts, else kNone.
  template <class IsIt>
  std::uint32_t find(std::uint64_t hash, IsIt is_it) const {
    const std::uint32_t wanted = tag(hash);
    for (std::size_t step = 0; step <= mask_; ++step) {
      const Bucket& bucket = buckets_[(hash + step) & mask_];
      for (std::uint32_t found = slots_with(bucket, tag_mask(), wanted); found != 0; found &= found - 1) {
        const std::uint32_t index = index_of(bucket.slots[std::countr_zero(found)]);
        if (is_it(index)) return index;
      }
      if (bucket.passed == 0) break;
    }
    return kNone;
  }

  void insert(std::uint64_t hash, std::uint32_t index) {
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      Bucket& bucket = buckets_[at];
      const std::uint32_t free = slots_with(bucket, ~0U, 0);
      if (free != 0) {
        bucket.slots[std::countr_zero(free)] = tag(hash) | (index + 1);
        return;
      }
      ++bucket.passed;
    }
  }

  void erase(std::uint64_t hash, std::uint32_t index) {
    for (std::size_t step = 0; step <= mask_; ++step) {
      Bucket& bucket = buckets_[(hash + step) & mask_];
      if (const std::uint32_t found = slots_with(bucket, ~0U, tag(hash) | (index + 1)); found != 0) {
        bucket.slots[std::countr_zero(found)] = 0;
        while (step > 0) --buckets_[(hash + --step) & mask_].passed;
        return;
      }
      if (bucket.passed == 0) return;
    }
  }

  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&buckets_[hash & mask_]); }
  // The index in the first slot with the hash's tag where it would come first; kNone: most likely not there.
  std::uint32_t first(std::uint64_t hash) const {
    const Bucket& bucket = buckets_[hash & mask_];
    const std::uint32_t found = slots_with(bucket, tag_mask(), tag(hash));
    return found == 0 ? kNone : index_of(bucket.slots[std::countr_zero(found)]);
  }
  // How many buckets a look-up of what is not there reads.
  std::size_t reach(std::uint64_t hash) const {
    std::size_t step = 0;
    while (step < mask_ && buckets_[(hash + step) & mask_].passed != 0) ++step;
    return step + 1;
  }

  std::size_t bytes() const { return (mask_ + 1) * sizeof(Bucket); }

 private:
  static constexpr std::size_t kSlots = 15;
  struct alignas(64) Bucket {
    std::uint32_t slots[kSlots];  // 0: free
    std::uint32_t passed;         // records that would have their place here, or before, and have it behind
  };
  static_assert(sizeof(Bucket) == 64);

  // A bit for each slot that has `wanted` under the mask.
  static std::uint32_t slots_with(const Bucket& bucket, std::uint32_t mask, std::uint32_t wanted) {
    std::uint32_t found = 0;
#ifdef __SSE2__
    const auto* const quarters = reinterpret_cast<const __m128i*>(&bucket);
    const __m128i masks = _mm_set1_epi32(static_cast<int>(mask)), all = _mm_set1_epi32(static_cast<int>(wanted));
    for (unsigned i = 0; i < 4; ++i) {
      const __m128i equal = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(quarters + i), masks), all);
      found |= static_cast<std::uint32_t>(_mm_movemask_ps(_mm_castsi128_ps(equal))) << (4 * i);
    }
#else
    for (unsigned i = 0; i < kSlots; ++i) found |= std::uint32_t{(bucket.slots[i] & mask) == wanted} << i;
#endif
    return found & ((1U << kSlots) - 1);
  }

  std::uint32_t tag_mask() const {
    return static_cast<std::uint32_t>(~0ULL << index_bits_);
  }
  std::uint32_t index_of(std::uint32_t slot) const {
    return (slot & ~tag_mask()) - 1;
  }
  // Never 0: that is what a free slot has.
  std::uint32_t tag(std::uint64_t hash) const {
    const std::uint32_t bits = static_cast<std::uint32_t>(hash >> 32) & tag_mask();
    return bits != 0 ? bits : 1U << 31;
  }

  unsigned index_bits_;
  std::size_t mask_;
  ZeroedTable<Bucket> buckets_;
};

}  // namespace audio_latency::matching
