// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace audio_latency::matching {

// One page table entry for all of a chunk: tables of 100 MB are read at random, and on virtual machines a miss of the
// translation buffer costs more than one of the cache.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Memory for a table, in huge pages where it fills them and the kernel has some. The hint is given before the memory is
// touched: what has small pages already keeps them for minutes.
template <class T>
class TableMemory {
 public:
  explicit TableMemory(std::size_t count) : memory_(static_cast<T*>(allocate(count * sizeof(T)))) {}
  T& operator[](std::size_t i) { return memory_.get()[i]; }
  const T& operator[](std::size_t i) const { return memory_.get()[i]; }

 private:
  static constexpr std::align_val_t kAlignment{kHugePage};
  struct Free {
    void operator()(T* memory) const { ::operator delete (memory, kAlignment); }
  };
  static void* allocate(std::size_t bytes) {
    if (bytes + sizeof(T) <= kHugePage) return ::operator new (bytes, kAlignment);
    const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* const memory = ::operator new (whole, kAlignment);
    (void)madvise(memory, whole, MADV_HUGEPAGE);
    return memory;
  }
  std::unique_ptr<T, Free> memory_;
};

// Records by index in chunks that never move: growth neither copies nor doubles, and an access is two loads. A chunk is a
// power of two of records (no division) that fill whole huge pages; those of its pages that were never touched do not exist.
template <class T>
class Pool {
 public:
  T& operator[](std::uint32_t index) { return chunks_[index / kEach][index % kEach]; }
  const T& operator[](std::uint32_t index) const { return chunks_[index / kEach][index % kEach]; }

  std::uint32_t size() const { return size_; }
  std::uint32_t emplace_back() {
    if (size_ == chunks_.size() * kEach) chunks_.emplace_back(kEach);
    std::construct_at(&(*this)[size_]);
    return size_++;
  }
  // Brings the first `bytes` of a record nearer: of a small one all, since it may lie across two cache lines. Any index
  // will do.
  template <std::size_t bytes = sizeof(T)>
  void prefetch(std::uint32_t index) const {
    constexpr std::size_t line = 64;
    if (index >= size_) return;
    const auto* const record = reinterpret_cast<const char*>(&(*this)[index]);
    for (std::size_t at = 0; at < bytes; at += line) __builtin_prefetch(record + at);
    if constexpr (alignof(T) < line) __builtin_prefetch(record + bytes - 1);
  }
  std::size_t bytes() const { return (std::size_t{size_} * sizeof(T) + kHugePage - 1) / kHugePage * kHugePage; }

  Pool() = default;
  ~Pool() {
    for (std::uint32_t i = 0; i < size_; ++i) std::destroy_at(&(*this)[i]);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

 private:
  static constexpr std::uint32_t kEach = kHugePage >> std::min(std::countr_zero(sizeof(T)), 12);

  std::vector<TableMemory<T>> chunks_;
  std::uint32_t size_ = 0;
};

// First in, first out, and any place in between can be looked at. Doubles when it is full.
template <class T>
class Queue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  const T& operator[](std::size_t i) const { return places_[(first_ + i) & (places_.size() - 1)]; }
  const T& front() const { return (*this)[0]; }
  const T& back() const { return (*this)[size_ - 1]; }
  void push_back(const T& item) {
    if (size_ == places_.size()) grow();
    places_[(first_ + size_++) & (places_.size() - 1)] = item;
  }
  void pop_front() {
    first_ = (first_ + 1) & (places_.size() - 1);
    --size_;
  }
  std::size_t bytes() const { return places_.size() * sizeof(T); }

 private:
  void grow() {
    std::vector<T> larger(std::max<std::size_t>(places_.size() * 2, 64));
    for (std::size_t i = 0; i < size_; ++i) larger[i] = (*this)[i];
    places_.swap(larger);
    first_ = 0;
  }

  std::vector<T> places_;  // a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace audio_latency::matching
