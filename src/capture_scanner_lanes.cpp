// SPDX-License-Identifier: Apache-2.0
#include "capture_scanner_lanes.hpp"

#include <algorithm>
#include <memory>

namespace audio_latency {
namespace {

constexpr std::size_t kBegin = AL_TAIL_BYTES;  // of the packet in LaneScanner::bytes_

// Built once for all scanners.
const al_encoders& encoders() {
  static const std::unique_ptr<const al_encoders> tables = [] {
    auto fresh = std::make_unique<al_encoders>();
    al_encoders_fill(fresh.get());
    return fresh;
  }();
  return *tables;
}

}  // namespace

LaneScanner::LaneScanner(const al_settings& settings) : window_(settings.window) {
  al_gear_fill(gear_.data());
  for (std::uint32_t table = 0; table < AL_TABLES; ++table)
    for (std::uint32_t code = 0; code < 256; ++code)
      recode_[table][code] = al_recode(table, static_cast<std::uint8_t>(code));
}

std::uint8_t LaneScanner::symbol_at(const Lane& lane, std::uint8_t codec, std::size_t at) const {
  if (lane.domain == AL_DOMAIN_VERBATIM) return bytes_[at] ^ bytes_[at - AL_LAG];
  if (!lane.wide) return recode_[al_table_of(codec, lane.domain)][bytes_[at]];
  const std::size_t high = codec == AL_CODEC_PCM16LE ? at + 1 : at;
  const std::size_t low = codec == AL_CODEC_PCM16LE ? at : at + 1;
  return encoders().code[lane.domain - AL_DOMAIN_MU_LAW][bytes_[high] << 8 | bytes_[low]];
}

// Up to the end of bytes_. Returns how many windows were selected.
std::uint32_t LaneScanner::roll(Lane& lane, std::uint8_t codec, std::uint32_t& selectivity, const Visitor& visit) {
  const std::size_t step = lane.wide ? 2 : 1;
  const std::uint32_t shift = al_roll_shift(window_);
  std::uint32_t selected = 0;
  std::array<std::uint8_t, AL_WINDOW_MAX> symbols{};
  for (; lane.position + step <= lane.end; lane.position += step) {
    lane.hash = al_roll(lane.hash, gear_[symbol_at(lane, codec, lane.position)], shift);
    ++lane.symbols;
    if (lane.symbols < window_ || lane.hash >= al_threshold(selectivity)) continue;
    for (std::size_t at = 0; at < window_; ++at)
      symbols[at] = symbol_at(lane, codec, lane.position - (window_ - 1 - at) * step);
    const auto last = static_cast<std::uint32_t>(lane.position + step - 1 - kBegin);
    selectivity = visit({lane.domain, lane.hash, {symbols.data(), window_}, last});
    if (lane.hash < al_threshold(selectivity)) ++selected;
  }
  return selected;
}

void LaneScanner::scan_companded(const ScannedBytes& packet, al_run& run, std::uint32_t domain,
                                 std::uint32_t& selectivity, const Visitor& visit) {
  const std::uint32_t number = domain - AL_DOMAIN_MU_LAW;
  const bool wide = al_codec_is_linear(packet.codec) != 0;
  const bool continues = run.codec == packet.codec;
  Lane lane{domain,
            continues ? run.companded[number] : 0,
            kBegin + packet.audio_at,
            bytes_.size() - packet.padding,
            continues ? run.codes[number] : 0U,
            wide};
  if (wide && packet.half) lane.position += run.bytes != 0 ? std::size_t{0} - 1 : 1;
  roll(lane, packet.codec, selectivity, visit);
  const bool cut = packet.fresh && lane.position != lane.end;
  run.companded[number] = lane.hash;
  run.codes[number] = static_cast<std::uint8_t>(cut ? 0 : std::min<std::uint32_t>(lane.symbols, AL_WINDOW_MAX));
}

std::uint32_t LaneScanner::scan(const ScannedBytes& packet, al_run& run, std::uint32_t selectivity,
                                const Visitor& visit) {
  bytes_.assign(run.tail, run.tail + AL_TAIL_BYTES);
  bytes_.insert(bytes_.end(), packet.bytes.begin(), packet.bytes.end());
  Lane verbatim{AL_DOMAIN_VERBATIM, run.hash, kBegin, bytes_.size(), 0, false};
  if (run.bytes < AL_LAG)
    verbatim.position += AL_LAG - run.bytes;
  else
    verbatim.symbols = run.bytes - AL_LAG;
  const std::uint32_t selected = roll(verbatim, packet.codec, selectivity, visit);
  run.hash = verbatim.hash;
  const bool companded = al_codec_is_g711(packet.codec) != 0 || al_codec_is_linear(packet.codec) != 0;
  if (companded) scan_companded(packet, run, AL_DOMAIN_MU_LAW, selectivity, visit);
  if (companded && packet.a_law) scan_companded(packet, run, AL_DOMAIN_A_LAW, selectivity, visit);
  if (!companded) run.codes[0] = 0;
  if (!companded || !packet.a_law) run.codes[1] = 0;
  run.codec = packet.codec;
  run.bytes = static_cast<std::uint32_t>(std::min<std::size_t>(run.bytes + packet.bytes.size(), AL_RUN_BYTES));
  std::copy(bytes_.end() - AL_TAIL_BYTES, bytes_.end(), run.tail);
  return selected;
}

}  // namespace audio_latency
