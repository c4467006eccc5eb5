// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace audio_latency::matching {

// One page table entry for all of a chunk: tables of 100 MB are read at random, and on virtual machines a miss of the
// translation buffer costs more than one of the cache.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// A hint for the whole huge pages in a stretch of memory: where it is not taken, small pages do.
inline void prefer_huge_pages(void* memory, std::size_t bytes) {
  if (std::align(kHugePage, kHugePage, memory, bytes) == nullptr) return;
  (void)madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
}

// A table of fixed size, all zero at first. The hint is given before the memory is touched: what has small pages
// already keeps them for minutes.
template <class T>
class ZeroedTable {
 public:
  explicit ZeroedTable(std::size_t size) : rows_(allocate(size * sizeof(T))) {}
  T& operator[](std::size_t i) { return rows_.get()[i]; }
  const T& operator[](std::size_t i) const { return rows_.get()[i]; }

 private:
  static_assert(std::is_trivial_v<T>);
  static constexpr std::align_val_t alignment(std::size_t bytes) {
    return std::align_val_t{bytes < kHugePage ? alignof(T) : kHugePage};
  }
  struct Free {
    std::size_t bytes = 0;
    void operator()(T* rows) const { ::operator delete(rows, alignment(bytes)); }
  };
  static std::unique_ptr<T, Free> allocate(std::size_t bytes) {
    void* const memory = ::operator new(bytes, alignment(bytes));
    if (bytes >= kHugePage) prefer_huge_pages(memory, bytes);
    return {static_cast<T*>(std::memset(memory, 0, bytes)), Free{bytes}};
  }
  std::unique_ptr<T, Free> rows_;
};

// Records by index in chunks that never move: growth neither copies nor doubles, and an access is two loads.
template <class T>
class Pool {
 public:
  T& operator[](std::uint32_t index) { return chunks_[index / kEach][index % kEach]; }
  const T& operator[](std::uint32_t index) const { return chunks_[index / kEach][index % kEach]; }

  std::uint32_t size() const { return size_; }
  std::uint32_t emplace_back() {
    if (size_ == chunks_.size() * kEach) chunks_.push_back(allocate());
    std::construct_at(&(*this)[size_]);
    return size_++;
  }
  void prefetch(std::uint32_t index) const { __builtin_prefetch(&(*this)[index]); }
  std::size_t bytes() const { return chunks_.size() * kHugePage; }

  Pool() = default;
  ~Pool() {
    for (std::uint32_t i = 0; i < size_; ++i) std::destroy_at(&(*this)[i]);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

 private:
  static constexpr std::uint32_t kEach = kHugePage / sizeof(T);
  struct Free {
    void operator()(T* chunk) const { ::operator delete (chunk, std::align_val_t{kHugePage}); }
  };
  using Chunk = std::unique_ptr<T[], Free>;

  static Chunk allocate() {
    void* const memory = ::operator new (kHugePage, std::align_val_t{kHugePage});
    prefer_huge_pages(memory, kHugePage);
    return Chunk(static_cast<T*>(memory));
  }

  std::vector<Chunk> chunks_;
  std::uint32_t size_ = 0;
};

}  // namespace audio_latency::matching
