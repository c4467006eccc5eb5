// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "audio_latency/capture.hpp"
#include "audio_latency/payload.hpp"
#include "audio_latency/wire/block.h"
#include "audio_latency/wire/flow.h"
#include "format_layer.hpp"

namespace audio_latency {

// A run of symbols in one domain, and its selectivity.
struct SymbolRun {
  __u64 hash = 0;
  std::uint32_t symbols = 0;  // in this run, at most AL_WINDOW_MAX
  al_rate rate{};
  std::array<std::uint8_t, AL_WINDOW_MAX> last{};  // the newest at the end
};

// The scan's state of one stream of decoded audio.
struct AudioRun {
  std::array<std::uint8_t, AL_LAG> lag{};  // the last bytes, the newest at the end
  std::uint8_t lagged = 0;
  std::uint8_t odd_bytes = 0;  // 1: `odd` is the first half of a 16-bit sample
  std::uint8_t odd = 0;
  SymbolRun verbatim;
  SymbolRun mu_law;
  SymbolRun a_law;

  void end();            // what comes next does not continue this; the selectivities stay
  void end_companded();  // the same where the codec turned out to be another one
};

struct ScanCounters {
  std::uint64_t bytes = 0;
  std::uint64_t observations = 0;
  std::array<std::uint64_t, AL_REFUSALS> refused{};
};

// The scan of signature-spec over decoded audio. One thread.
class AudioScanner {
 public:
  AudioScanner(const al_settings& settings, ObservationSink& sink);

  void set_a_law(bool on) { a_law_ = on; }
  // Bytes that continue `run` and came with `packet`. Domains: verbatim, and with a codec of samples mu-law, and A-law
  // where it is on. Returns how many observations were made.
  std::uint32_t scan(AudioRun& run, al_codec codec, ByteSpan bytes, const Places& places, const Payload& packet);
  const ScanCounters& counters() const { return counters_; }

 private:
  struct Tables;
  static const Tables& tables_of(std::uint32_t window);
  // What a hit needs to know of the piece that is being scanned.
  struct Piece {
    const Places& places;
    const Payload& packet;
    std::int32_t symbol_bytes;  // of one symbol
    std::int32_t skew;          // bytes of the first symbol that came before the piece
  };

  void scan_chunk(AudioRun& run, al_codec codec, ByteSpan bytes, const Places& places, const Payload& packet);
  void scan_verbatim(AudioRun& run, ByteSpan bytes, const Places& places, const Payload& packet);
  void scan_companded(SymbolRun& run, const AudioRun& bytes_before, Domain domain, al_codec codec, ByteSpan bytes,
                      const Piece& piece);
  void roll(SymbolRun& run, Domain domain, std::uint32_t count, const Piece& piece);
  void take(SymbolRun& run, Domain domain, std::uint32_t at, const Piece& piece);

  const al_settings settings_;
  ObservationSink& sink_;
  bool a_law_ = false;
  const Tables& tables_;               // the same for all scanners of a window size
  std::vector<std::uint8_t> area_;     // AL_LAG bytes before the chunk, then the chunk
  std::vector<std::uint8_t> symbols_;  // AL_WINDOW_MAX symbols before the chunk's, then those
  ScanCounters counters_;
};

}  // namespace audio_latency
