// SPDX-License-Identifier: Apache-2.0
#include "capture_scanner.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "audio_latency/wire/identity.h"
#include "capture_scanner_flows.hpp"

namespace audio_latency {
namespace {

// Bytes of one packet while it is scanned. Positions count from the first byte of the run's part of the payload.
struct Payload {
  std::span<const std::uint8_t> bytes;  // captured part of what is scanned
  std::uint32_t base = 0;               // offset in the L4 payload of bytes[0]
  bool truncated = false;
};

}  // namespace

class PacketScanner::State {
 public:
  State(const al_settings& settings, const al_port_table& ports) : settings_(settings), ports_(ports) {
    al_gear_fill(gear_.data());
  }

  void scan(const CapturedPacket& captured, ObservationSink& sink);
  void age(EventTime deadline) { flows_.age(deadline); }

  al_counters counters{};
  bool stateless = false;
  std::size_t flows() const { return flows_.size(); }

 private:
  al_verdict examine(const CapturedPacket& captured, ObservationSink& sink);
  al_format format_of(const al_flow_key& flow) const;
  void parse_rtp(const CapturedPacket& captured, al_format format);
  al_continuity continuity(const al_flow* flow, std::uint32_t length, std::uint32_t& skip) const;
  Payload audio(const CapturedPacket& captured, std::uint32_t skip) const;
  void roll(const CapturedPacket& captured, const Payload& payload, al_run& run, al_flow* flow, bool keyed,
            ObservationSink& sink);
  void take(const CapturedPacket& captured, const std::uint8_t* symbols, std::uint64_t hash, std::uint32_t offset,
            ObservationSink& sink);

  al_settings settings_;
  al_port_table ports_;
  std::array<__u64, 256> gear_{};
  ScannerFlows flows_{settings_, counters};

  // The packet at hand.
  std::array<std::uint8_t, AL_HEADER_BYTES + AL_HEADER_SLACK> header_{};
  al_packet packet_{};
  al_rtp rtp_{};
  std::uint32_t payload_offset_ = 0;
  std::uint32_t payload_length_ = 0;
  std::vector<std::uint8_t> symbols_;  // AL_WINDOW_MAX carried ones, then one for each byte
};

void PacketScanner::State::scan(const CapturedPacket& captured, ObservationSink& sink) {
  ++counters.packets[examine(captured, sink)];
}

al_verdict PacketScanner::State::examine(const CapturedPacket& captured, ObservationSink& sink) {
  const std::size_t available = std::min<std::size_t>(captured.bytes.size(), AL_HEADER_BYTES);
  std::copy_n(captured.bytes.begin(), available, header_.begin());
  packet_ = {};
  packet_.flow.interface_index = captured.point.interface;
  packet_.flow.direction = captured.point.direction;
  packet_.length = captured.wire_length;
  packet_.available = static_cast<std::uint32_t>(available);
  const al_verdict verdict =
      al_parse(&packet_, header_.data(), captured.ethernet ? 1 : 0, captured.uplink ? 1 : 0, &settings_);
  if (verdict != AL_SCANNED) return verdict;
  const al_format format = format_of(packet_.flow);
  if (format == AL_FORMAT_NONE) return AL_PORT;
  payload_offset_ = packet_.offset;
  payload_length_ = packet_.end - packet_.offset;
  parse_rtp(captured, format);

  const bool keyed = !stateless && (packet_.flow.protocol == 6 || rtp_.header != 0);
  const bool small = payload_length_ < settings_.minimum_payload;
  if (payload_length_ == 0 || (small && !keyed)) return AL_TOO_SMALL;
  al_flow* flow = keyed ? flows_.find(packet_.flow, captured, !small) : nullptr;
  if (small && flow == nullptr) return AL_TOO_SMALL;

  std::uint32_t skip = 0;
  const al_continuity place = continuity(flow, payload_length_, skip);
  al_run run{};
  if (place == AL_RUN_CONTINUES) run = flow->run;
  const Payload payload = audio(captured, skip);
  if (payload.truncated) ++counters.trouble[AL_TROUBLE_TRUNCATED];
  counters.scanned_bytes += payload.bytes.size();
  roll(captured, payload, run, flow, keyed, sink);
  if (flow != nullptr && place != AL_RUN_LATE) {
    run.next = packet_.flow.protocol == 6 ? packet_.sequence + payload_length_ : rtp_.sequence + 1U;
    run.stream_id = rtp_.ssrc;
    if (payload.truncated) run.bytes = 0;
    flow->run = run;
  }
  return AL_SCANNED;
}

al_format PacketScanner::State::format_of(const al_flow_key& flow) const {
  if (stateless) return AL_FORMAT_RAW;
  return static_cast<al_format>(std::max(ports_.format[flow.source_port], ports_.format[flow.destination_port]));
}

void PacketScanner::State::parse_rtp(const CapturedPacket& captured, al_format format) {
  rtp_ = {};
  if (format != AL_FORMAT_RTP || packet_.flow.protocol != 17 || packet_.offset > packet_.available) return;
  const std::uint32_t room = std::min(packet_.available - packet_.offset, payload_length_);
  al_parse_rtp(&rtp_, header_.data() + packet_.offset, room);
  if (rtp_.header == 0) return;
  std::uint32_t padding = 0;
  if (rtp_.padded != 0 && packet_.end <= captured.bytes.size()) padding = captured.bytes[packet_.end - 1];
  if (rtp_.header + padding > payload_length_) {
    rtp_.header = 0;
    return;
  }
  packet_.end -= padding;
}

al_continuity PacketScanner::State::continuity(const al_flow* flow, std::uint32_t length, std::uint32_t& skip) const {
  if (flow == nullptr) return AL_RUN_BEGINS;
  if (packet_.flow.protocol == 6) return al_continuity_tcp(&flow->run, packet_.sequence, length, &skip);
  return al_continuity_rtp(&flow->run, rtp_.ssrc, rtp_.sequence);
}

Payload PacketScanner::State::audio(const CapturedPacket& captured, std::uint32_t skip) const {
  Payload payload;
  payload.base = rtp_.header + skip;
  const std::size_t from = payload_offset_ + payload.base;
  const std::size_t to = std::min<std::size_t>(packet_.end, captured.bytes.size());
  payload.truncated = packet_.end > captured.bytes.size();
  if (from < to) payload.bytes = captured.bytes.subspan(from, to - from);
  return payload;
}

void PacketScanner::State::roll(const CapturedPacket& captured, const Payload& payload, al_run& run, al_flow* flow,
                                bool keyed, ObservationSink& sink) {
  const std::uint32_t window = settings_.window;
  const std::uint32_t shift = al_roll_shift(window);
  std::uint32_t selectivity = flow != nullptr ? flow->rate.selectivity : settings_.selectivity;
  bool asked = keyed || stateless;  // other flows are looked up when something is selected
  symbols_.resize(AL_WINDOW_MAX + payload.bytes.size());
  std::copy_n(run.symbols, AL_WINDOW_MAX, symbols_.begin());
  for (std::size_t at = 0; at < payload.bytes.size(); ++at) {
    const std::uint8_t byte = payload.bytes[at];
    const std::uint8_t symbol = byte ^ run.last[0];
    std::copy(run.last + 1, run.last + AL_LAG, run.last);
    run.last[AL_LAG - 1] = byte;
    symbols_[AL_WINDOW_MAX + at] = symbol;
    if (run.bytes < AL_RUN_BYTES) ++run.bytes;
    if (run.bytes <= AL_LAG) continue;
    run.hash = al_roll(run.hash, gear_[symbol], shift);
    if (run.bytes < AL_LAG + window || run.hash >= al_threshold(selectivity)) continue;
    if (!asked) {
      asked = true;
      flow = flows_.find(packet_.flow, captured, true);
      if (flow != nullptr) selectivity = flow->rate.selectivity;
      if (run.hash >= al_threshold(selectivity)) continue;
    }
    if (flow != nullptr) ++flow->rate.selected;
    take(captured, symbols_.data() + AL_WINDOW_MAX + at + 1 - window, run.hash,
         payload.base + static_cast<std::uint32_t>(at), sink);
  }
  std::copy_n(symbols_.end() - AL_WINDOW_MAX, AL_WINDOW_MAX, run.symbols);
}

void PacketScanner::State::take(const CapturedPacket& captured, const std::uint8_t* symbols, std::uint64_t hash,
                                std::uint32_t offset, ObservationSink& sink) {
  const std::uint32_t refusal = al_refuse_verbatim(symbols, settings_.window);
  if (refusal != AL_REFUSALS) {
    ++counters.refused[refusal];
    return;
  }
  std::array<std::uint8_t, AL_PAYLOAD_HASHED> front{};
  const std::size_t from = std::min<std::size_t>(payload_offset_, captured.bytes.size());
  std::copy_n(captured.bytes.begin() + static_cast<std::ptrdiff_t>(from),
              std::min<std::size_t>(front.size(), captured.bytes.size() - from), front.begin());
  al_event event{};
  al_describe(&event, &packet_, &rtp_, front.data(), payload_length_);
  event.time_ns = captured.time;
  event.signature = al_signature(settings_.algorithm, symbols, settings_.window, hash, AL_DOMAIN_VERBATIM);
  event.offset = offset;
  if (event.identity == AL_IDENTITY_TCP) event.stream_id = packet_.sequence + offset;
  event.leading_zeros = static_cast<std::uint8_t>(al_leading_zeros(hash));
  ++counters.emitted;
  Observation seen = observation_of(event);
  seen.point = captured.point;
  sink.on_observation(seen);
}

PacketScanner::PacketScanner(const al_settings& settings, const al_port_table& ports)
    : state_(std::make_unique<State>(settings, ports)) {}
PacketScanner::~PacketScanner() = default;

void PacketScanner::set_stateless(bool stateless) {
  state_->stateless = stateless;
}
void PacketScanner::scan(const CapturedPacket& packet, ObservationSink& sink) {
  state_->scan(packet, sink);
}
void PacketScanner::age(EventTime deadline) {
  state_->age(deadline);
}
std::size_t PacketScanner::flows() const {
  return state_->flows();
}
const al_counters& PacketScanner::counters() const {
  return state_->counters;
}

}  // namespace audio_latency
