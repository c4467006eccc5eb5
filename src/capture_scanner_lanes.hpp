// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "audio_latency/wire/companding.h"
#include "audio_latency/wire/flow.h"
#include "audio_latency/wire/settings.h"

namespace audio_latency {

// The bytes of one packet, and what they are.
struct ScannedBytes {
  std::span<const std::uint8_t> bytes;
  std::uint8_t codec = AL_CODEC_UNKNOWN;
  bool a_law = false;          // compute the A-law domain, too
  std::uint32_t audio_at = 0;  // where the companded domains begin
  std::uint32_t padding = 0;   // bytes at the end that are none of theirs
  bool half = false;           // 16-bit samples: bytes[audio_at] is the second half of one
  bool fresh = false;          // half a sample at the end is not continued by the next packet
};

// A window that the content selects, before the gates.
struct SelectedWindow {
  std::uint32_t domain = AL_DOMAIN_VERBATIM;
  std::uint64_t hash = 0;
  std::span<const std::uint8_t> symbols;
  std::uint32_t last_byte = 0;  // index in ScannedBytes::bytes
};

// The scan of bpf/scan.h in user space: all domains of one packet behind what its run has seen. One thread.
class LaneScanner {
 public:
  explicit LaneScanner(const al_settings& settings);

  // Returns the selectivity that goes for the rest of the packet; `window` is selected by it where it still is below
  // its threshold.
  using Visitor = std::function<std::uint32_t(const SelectedWindow& window)>;

  // Scans `packet` as the continuation of `run` (bytes 0: of nothing), and brings the run up to date, its sequence
  // number and stream excepted. Returns how many windows the busiest domain had selected.
  std::uint32_t scan(const ScannedBytes& packet, al_run& run, std::uint32_t selectivity, const Visitor& visit);

 private:
  struct Lane {
    std::uint32_t domain;
    std::uint64_t hash;
    std::size_t position;   // of the next byte in bytes_
    std::size_t end;        // behind the last one
    std::uint32_t symbols;  // seen in this run
    bool wide;              // symbols of two bytes
  };
  std::uint32_t roll(Lane& lane, std::uint8_t codec, std::uint32_t& selectivity, const Visitor& visit);
  std::uint8_t symbol_at(const Lane& lane, std::uint8_t codec, std::size_t at) const;
  void scan_companded(const ScannedBytes& packet, al_run& run, std::uint32_t domain, std::uint32_t& selectivity,
                      const Visitor& visit);

  std::uint32_t window_;
  std::array<__u64, 256> gear_{};
  std::array<std::array<std::uint8_t, 256>, AL_TABLES> recode_{};
  std::vector<std::uint8_t> bytes_;  // the run's tail, then the packet's
};

}  // namespace audio_latency
