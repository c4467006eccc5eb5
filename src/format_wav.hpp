// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "format_layer.hpp"

namespace audio_latency {

// Reads a RIFF WAVE header (Microsoft/IBM, 1991) byte by byte, up to the first byte of its data.
class WavHeader {
 public:
  enum class State : std::uint8_t { reading, data, broken };

  // The next byte.
  State take(std::uint8_t byte);
  const AudioFormat& format() const { return format_; }

 private:
  static constexpr std::uint32_t kLongest = 4096;  // bytes

  void chunk_begins();
  void format_chunk();

  AudioFormat format_;
  std::uint32_t bytes_ = 0;
  std::uint32_t skip_ = 0;           // bytes of the chunk that are left
  std::uint32_t behind_format_ = 0;  // bytes of the fmt chunk that are not read
  bool in_format_ = false;
  std::uint8_t size_ = 0;  // of what is in buffer_
  std::uint8_t wanted_ = 12;
  std::array<std::uint8_t, 16> buffer_{};
};

}  // namespace audio_latency
