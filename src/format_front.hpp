// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>

#include "format_layer.hpp"

namespace audio_latency {

// The first bytes of something, kept until there are enough of them to tell what it is, each with its place on the
// wire.
template <std::size_t kSize>
class Front {
 public:
  void clear() { size_ = 0; }
  // Takes what it still needs off `bytes`.
  void take(ByteSpan& bytes, std::uint32_t& sequence, std::size_t wanted = kSize) {
    const std::size_t count = std::min(std::min(wanted, kSize) - std::min(size_, wanted), bytes.size());
    std::copy_n(bytes.begin(), count, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    for (std::size_t i = 0; i < count; ++i) places_[size_ + i] = sequence + static_cast<std::uint32_t>(i);
    size_ += count;
    bytes = bytes.subspan(count);
    sequence += static_cast<std::uint32_t>(count);
  }
  std::size_t size() const { return size_; }
  bool full() const { return size_ == kSize; }
  ByteSpan bytes() const { return ByteSpan(bytes_).first(size_); }

  // Hands them over, in pieces that lie together on the wire.
  template <typename Pass>
  void replay(Pass pass) const {
    for (std::size_t from = 0; from < size_;) {
      std::size_t to = from + 1;
      while (to < size_ && places_[to] == places_[from] + (to - from)) ++to;
      pass(bytes().subspan(from, to - from), places_[from]);
      from = to;
    }
  }

 private:
  std::size_t size_ = 0;
  std::array<std::uint8_t, kSize> bytes_{};
  std::array<std::uint32_t, kSize> places_{};
};

}  // namespace audio_latency
