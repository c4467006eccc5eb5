// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "format_layer.hpp"

namespace audio_latency {

// What bytes may be samples of. `odd`: 16-bit samples begin at odd places.
struct SampleReading {
  al_codec codec = AL_CODEC_UNKNOWN;
  bool odd = false;
  bool operator==(const SampleReading&) const = default;
};

// Bytes as samples, in every reading there is: 16-bit in either byte order and phase, mu-law, A-law. Sound is told from
// everything else by samples that lie near zero on the whole and follow their neighbours; quiet stretches tell nothing
// and do not count. Bounded: a few sums.
class SampleStatistics {
 public:
  static constexpr std::size_t kBlock = 128;  // bytes that are judged together
  static constexpr unsigned kMost = 56;       // blocks that are not quiet, after which there is a verdict
  static constexpr unsigned kReadings = 6;
  enum class Verdict : std::uint8_t { undecided, audio, not_audio };

  // `framed`: samples begin at even places, as where a framing layer counts them from its own start.
  explicit SampleStatistics(bool framed) : framed_(framed) {}

  // Continues what was added before, unless there was a gap. `place` of the first byte: its lowest bit is the phase.
  void add(ByteSpan bytes, std::uint32_t place);
  void gap() { partial_size_ = 0; }
  void clear() { *this = SampleStatistics(framed_); }

  Verdict verdict() const;
  bool doubtful() const;          // undecided, however much was looked at
  SampleReading reading() const;  // the likeliest
  unsigned blocks() const { return blocks_; }
  unsigned quiet_blocks() const { return quiet_; }
  bool looks_random() const;  // as evenly distributed as noise: encrypted or compressed
  bool looks_like_text() const;

  // Sums over the samples of one reading.
  struct Sums {
    double samples = 0;
    double sum = 0;
    double squares = 0;
    double products = 0;   // of neighbours
    double roughness = 0;  // bits of the second difference
    double mean() const { return sum / samples; }
    double deviation() const;
    double correlation() const;  // of neighbours
    double bits() const { return roughness / samples; }
  };
  const std::array<Sums, kReadings>& sums() const { return sums_; }

 private:
  void add_block(ByteSpan block, bool odd);
  bool rules_out(unsigned reading) const;
  unsigned likeliest() const;
  bool centred(unsigned reading) const;
  double cost(unsigned reading) const;  // 0 to about 1: as rough as noise

  bool framed_;
  std::array<Sums, kReadings> sums_{};
  std::array<std::uint16_t, 16> high_nibbles_{};
  std::uint32_t bytes_ = 0;     // in blocks with sound
  std::uint32_t not_utf8_ = 0;  // bytes that begin a character and are not followed by the rest of it
  unsigned blocks_ = 0;
  unsigned quiet_ = 0;
  std::array<std::uint8_t, kBlock> partial_{};
  std::uint8_t partial_size_ = 0;
  bool partial_odd_ = false;
};

}  // namespace audio_latency
