// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace audio_latency::matching {

// Records by index in chunks that never move: growth neither copies nor doubles, and an access is two loads.
template <class T>
class Pool {
 public:
  T& operator[](std::uint32_t index) { return chunks_[index >> kShift][index & kMask]; }
  const T& operator[](std::uint32_t index) const { return chunks_[index >> kShift][index & kMask]; }

  std::uint32_t size() const { return size_; }
  std::uint32_t emplace_back() {
    if (size_ == chunks_.size() << kShift) chunks_.push_back(std::make_unique<T[]>(std::size_t{1} << kShift));
    return size_++;
  }
  void prefetch(std::uint32_t index) const { __builtin_prefetch(&(*this)[index]); }
  std::size_t bytes() const { return (chunks_.size() << kShift) * sizeof(T); }

 private:
  static constexpr unsigned kShift = 12;
  static constexpr std::uint32_t kMask = (1U << kShift) - 1;
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::uint32_t size_ = 0;
};

}  // namespace audio_latency::matching
