// SPDX-License-Identifier: Apache-2.0
#include "format_scan.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "format_compand.hpp"

namespace audio_latency {
namespace {

constexpr std::size_t kChunk = 4096;  // symbols at a time: the working memory stays in the first-level cache

AL_INLINE std::uint32_t roll_block(const std::uint8_t* symbols, std::uint32_t left, const al_gear& gear, __u64* hash,
                                   __u64 threshold, std::uint32_t shift) {
  return left >= AL_BLOCK ? al_block_roll(symbols, &gear, hash, threshold, shift)
                          : al_block_roll_some(symbols, left, &gear, hash, threshold, shift);
}

}  // namespace

struct AudioScanner::Tables {
  al_gear gear{};
  std::array<std::array<std::uint8_t, 256>, AL_TABLES> recode{};

  explicit Tables(std::uint32_t window) {
    al_gear_fill_both(&gear, window);
    for (std::uint32_t table = 0; table < AL_TABLES; ++table)
      for (std::uint32_t code = 0; code < 256; ++code)
        recode[table][code] = al_recode(table, static_cast<std::uint8_t>(code));
  }
};

const AudioScanner::Tables& AudioScanner::tables_of(std::uint32_t window) {
  if (window == 16) {
    static const Tables of_16(16);
    return of_16;
  }
  if (window == 32) {
    static const Tables of_32(32);
    return of_32;
  }
  static const Tables of_64(64);
  return of_64;
}

void AudioRun::end() {
  verbatim.symbols = 0;
  verbatim.hash = 0;
  lagged = 0;
  end_companded();
}

void AudioRun::end_companded() {
  for (SymbolRun* run : {&mu_law, &a_law}) {
    run->symbols = 0;
    run->hash = 0;
  }
  odd_bytes = 0;
}

AudioScanner::AudioScanner(const al_settings& settings, ObservationSink& sink)
    : settings_(settings),
      sink_(sink),
      tables_(tables_of(settings.window)),
      area_(AL_LAG + kChunk),
      symbols_(AL_WINDOW_MAX + kChunk + AL_BLOCK) {}

std::uint32_t AudioScanner::scan(AudioRun& run, al_codec codec, ByteSpan bytes, const Places& places,
                                 const Payload& packet) {
  const std::uint64_t before = counters_.observations;
  counters_.bytes += bytes.size();
  const std::size_t step = kChunk / places.bytes * places.bytes;
  for (std::size_t at = 0; at < bytes.size(); at += step)
    scan_chunk(run, codec, bytes.subspan(at, std::min(step, bytes.size() - at)), places.from(at), packet);
  return static_cast<std::uint32_t>(counters_.observations - before);
}

void AudioScanner::scan_chunk(AudioRun& run, al_codec codec, ByteSpan bytes, const Places& places,
                              const Payload& packet) {
  scan_verbatim(run, bytes, places, packet);
  if (codec == AL_CODEC_UNKNOWN || codec == AL_CODEC_COMPRESSED) return;
  const bool linear = al_codec_is_linear(codec) != 0;
  const Piece piece{places, packet, linear ? 2 : 1, run.odd_bytes};
  scan_companded(run.mu_law, run, Domain::mu_law, codec, bytes, piece);
  if (a_law_) scan_companded(run.a_law, run, Domain::a_law, codec, bytes, piece);
  run.odd_bytes = linear ? static_cast<std::uint8_t>((run.odd_bytes + bytes.size()) % 2) : 0;
  if (run.odd_bytes != 0) run.odd = bytes.back();
}

void AudioScanner::scan_verbatim(AudioRun& run, ByteSpan bytes, const Places& places, const Payload& packet) {
  std::copy_n(run.lag.begin(), AL_LAG, area_.begin());
  std::copy_n(bytes.begin(), bytes.size(), area_.begin() + AL_LAG);
  const std::uint8_t* area = area_.data();
  std::uint8_t* symbols = symbols_.data() + AL_WINDOW_MAX;
  // The first AL_LAG bytes of a run have none to be compared with.
  const auto missing = std::min<std::size_t>(AL_LAG - run.lagged, bytes.size());
  const auto count = static_cast<std::uint32_t>(bytes.size() - missing);
  std::uint32_t i = 0;
  for (; i + 8 <= count; i += 8)
    al_store64(symbols + i, al_load64(area + missing + AL_LAG + i) ^ al_load64(area + missing + i));
  for (; i < count; ++i) symbols[i] = area[missing + AL_LAG + i] ^ area[missing + i];
  std::copy_n(area + bytes.size(), AL_LAG, run.lag.begin());
  run.lagged = static_cast<std::uint8_t>(run.lagged + missing);
  roll(run.verbatim, Domain::verbatim, count, {places, packet, 1, -static_cast<std::int32_t>(missing)});
}

void AudioScanner::scan_companded(SymbolRun& run, const AudioRun& bytes_before, Domain domain, al_codec codec,
                                  ByteSpan bytes, const Piece& piece) {
  std::uint8_t* symbols = symbols_.data() + AL_WINDOW_MAX;
  std::uint32_t count = 0;
  const auto number = static_cast<std::uint32_t>(domain);
  if (al_codec_is_linear(codec) == 0) {
    const std::uint32_t table = al_table_of(codec, number);
    if (table == AL_TABLE_MU_TO_MU)
      one_mu_law_zero(bytes, symbols);
    else
      std::transform(bytes.begin(), bytes.end(), symbols,
                     [&](std::uint8_t code) { return tables_.recode[table][code]; });
    count = static_cast<std::uint32_t>(bytes.size());
  } else if (!bytes.empty()) {
    const bool big = codec == AL_CODEC_PCM16BE;
    std::size_t at = 0;
    if (bytes_before.odd_bytes != 0) {
      const std::uint8_t torn[2] = {bytes_before.odd, bytes[at++]};
      compand(domain, big, torn, 1, symbols + count++);
    }
    const std::size_t samples = (bytes.size() - at) / 2;
    compand(domain, big, bytes.data() + at, samples, symbols + count);
    count += static_cast<std::uint32_t>(samples);
  }
  roll(run, domain, count, piece);
}

void AudioScanner::roll(SymbolRun& run, Domain domain, std::uint32_t count, const Piece& piece) {
  const std::uint32_t shift = al_roll_shift(settings_.window);
  const std::uint64_t threshold = al_threshold(al_rate_update(&run.rate, piece.packet.time, settings_.selectivity));
  std::copy_n(run.last.begin(), AL_WINDOW_MAX, symbols_.begin());
  const std::uint8_t* symbols = symbols_.data() + AL_WINDOW_MAX;
  const std::uint32_t before = run.symbols;
  for (std::uint32_t at = 0; at < count;) {
    const std::uint32_t left = count - at;
    // A constant takes fewer instructions.
    at += shift == 1 ? roll_block(symbols + at, left, tables_.gear, &run.hash, threshold, 1)
                     : roll_block(symbols + at, left, tables_.gear, &run.hash, threshold, shift);
    if (run.hash < threshold && before + at >= settings_.window) take(run, domain, at - 1, piece);
  }
  run.symbols = std::min<std::uint32_t>(before + count, AL_WINDOW_MAX);
  std::copy_n(symbols_.begin() + count, AL_WINDOW_MAX, run.last.begin());
}

void AudioScanner::take(SymbolRun& run, Domain domain, std::uint32_t at, const Piece& piece) {
  const std::uint8_t* window = symbols_.data() + AL_WINDOW_MAX + at + 1 - settings_.window;
  const auto number = static_cast<std::uint32_t>(domain);
  ++run.rate.selected;
  std::uint32_t refusal = AL_REFUSALS;
  std::uint32_t peak = 0;
  if (domain == Domain::verbatim) {
    refusal = al_refuse_verbatim(window, settings_.window);
  } else {
    peak = al_window_peak(window, settings_.window, number);
    refusal = al_refuse_companded(window, settings_.window, peak, settings_.silence_threshold);
  }
  if (refusal != AL_REFUSALS) {
    ++counters_.refused[refusal];
    return;
  }
  const Payload& packet = piece.packet;
  const std::uint32_t crossings = domain == Domain::verbatim ? 0 : al_window_crossings(window, settings_.window);
  Observation seen{.time = packet.time,
                   .signature = al_signature(settings_.algorithm, window, settings_.window, run.hash, number),
                   .domain = domain,
                   .flow = packet.flow,
                   .point = packet.point,
                   .packet = packet.packet,
                   .ttl = packet.ttl,
                   .tunnelled = packet.tunnelled,
                   .leading_zeros = static_cast<std::uint8_t>(std::countl_zero(run.hash)),
                   .peak = static_cast<std::uint16_t>(peak),
                   .zero_crossings = static_cast<std::uint8_t>(crossings)};
  const std::int64_t last = (std::int64_t{at} + 1) * piece.symbol_bytes - 1 - piece.skew;
  const std::uint32_t place = piece.places.at(static_cast<std::size_t>(last));
  if (seen.packet.kind == AL_IDENTITY_TCP) seen.packet.stream_id = place;
  seen.packet.offset = place - packet.sequence;
  ++counters_.observations;
  sink_.on_observation(seen);
}

}  // namespace audio_latency
