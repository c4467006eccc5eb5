// SPDX-License-Identifier: Apache-2.0
#include "capture_scanner.hpp"

#include <algorithm>

#include "capture_payload.hpp"
#include "capture_scanner_state.hpp"

namespace audio_latency {
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
  now_ = captured.time;
  treatment_ = al_treatment_of(format);
  rtp_ = {};
  payload_offset_ = packet_.offset;
  payload_length_ = packet_.end - packet_.offset;
  if (!stateless && al_is_managed(&ports_, format) != 0) {
    const al_verdict managed = manage(captured, format);
    if (managed != AL_SCANNED) return managed;
  } else {
    parse_rtp(captured);
  }

  keyed_ = !stateless && (packet_.flow.protocol == 6 || rtp_.header != 0);
  const std::uint8_t codec = codec_of(treatment_);
  const bool small = payload_length_ < settings_.minimum_payload && codec != AL_CODEC_COMPRESSED;
  if (payload_length_ == 0 || (small && !keyed_)) return AL_TOO_SMALL;
  al_flow* flow = keyed_ ? flows_.find(packet_.flow, captured, !small, format) : nullptr;
  if (small && flow == nullptr) return AL_TOO_SMALL;

  std::uint32_t skip = 0;
  const al_continuity place = continuity(flow, skip);
  al_run run{};
  if (place == AL_RUN_CONTINUES) run = flow->run;
  const Audio scanned = audio(captured, codec, skip);
  if (scanned.truncated) ++counters.trouble[AL_TROUBLE_TRUNCATED];
  counters.scanned_bytes += scanned.packet.bytes.size();
  if (flow != nullptr && scanned.packet.codec == AL_CODEC_COMPRESSED) take_payload(captured, scanned, *flow, sink);
  roll(captured, scanned, run, flow, sink);
  if (flow != nullptr && place != AL_RUN_LATE) {
    run.next = packet_.flow.protocol == 6 ? packet_.sequence + payload_length_ : rtp_.sequence + 1U;
    run.stream_id = rtp_.ssrc;
    if (scanned.truncated) run.bytes = 0;
    flow->run = run;
  }
  return AL_SCANNED;
}

al_format PacketScanner::State::format_of(const al_flow_key& flow) const {
  const std::uint8_t format = std::max(ports_.format[flow.source_port], ports_.format[flow.destination_port]);
  if (stateless && (format == AL_FORMAT_AUTO || format >= AL_FORMAT_WEBSOCKET)) return AL_FORMAT_RAW;
  return static_cast<al_format>(format);
}

void PacketScanner::State::parse_rtp(const CapturedPacket& captured) {
  rtp_ = {};
  rtp_padding_ = 0;
  const bool expected = treatment_.framing == AL_FRAMING_RTP && packet_.flow.protocol == 17;
  if (!expected || packet_.offset > packet_.available) return;
  const std::uint32_t room = std::min(packet_.available - packet_.offset, payload_length_);
  al_parse_rtp(&rtp_, header_.data() + packet_.offset, room);
  if (rtp_.header == 0) return;
  std::uint32_t padding = 0;
  if (rtp_.padded != 0 && packet_.end <= captured.bytes.size()) padding = captured.bytes[packet_.end - 1];
  if (rtp_.header + padding > payload_length_) {
    rtp_.header = 0;
    return;
  }
  rtp_padding_ = padding;
  if (!stateless) packet_.end -= padding;
}

// As al_choose_lanes() of the kernel program.
std::uint8_t PacketScanner::State::codec_of(const al_treatment& treatment) const {
  if (rtp_.header == 0 && treatment.framing == AL_FRAMING_RTP) return AL_CODEC_UNKNOWN;
  if (rtp_.header == 0) return treatment.codec;
  const std::uint8_t declared = ports_.codec[rtp_.payload_type & 127];
  const bool small = payload_length_ < settings_.minimum_payload && treatment.codec != AL_CODEC_COMPRESSED;
  if (declared != AL_CODEC_UNKNOWN || small) return declared;
  return treatment.codec;
}

al_continuity PacketScanner::State::continuity(const al_flow* flow, std::uint32_t& skip) const {
  if (flow == nullptr) return AL_RUN_BEGINS;
  if (packet_.flow.protocol == 6) return al_continuity_tcp(&flow->run, packet_.sequence, payload_length_, &skip);
  return al_continuity_rtp(&flow->run, rtp_.ssrc, rtp_.sequence);
}

Audio PacketScanner::State::audio(const CapturedPacket& captured, std::uint8_t codec, std::uint32_t skip) {
  if (codec == AL_CODEC_PCMA && ports_.a_law == AL_A_LAW_WAITING) ports_.a_law = AL_A_LAW_ON;
  Audio audio;
  audio.base = stateless ? 0 : rtp_.header + skip;
  const std::size_t from = payload_offset_ + audio.base;
  const std::size_t to = std::min<std::size_t>(packet_.end, captured.bytes.size());
  audio.truncated = packet_.end > captured.bytes.size();
  if (from < to) audio.packet.bytes = captured.bytes.subspan(from, to - from);
  audio.packet.codec = codec;
  audio.packet.a_law = ports_.a_law == AL_A_LAW_ON;
  audio.packet.audio_at = stateless ? rtp_.header : 0;
  audio.packet.padding = stateless ? rtp_padding_ : 0;
  audio.packet.half = packet_.flow.protocol == 6 && ((packet_.sequence + skip + treatment_.phase) & 1) != 0;
  audio.packet.fresh = rtp_.header != 0;
  return audio;
}

void PacketScanner::State::roll(const CapturedPacket& captured, const Audio& audio, al_run& run, al_flow* flow,
                                ObservationSink& sink) {
  std::uint32_t selectivity = flow != nullptr ? flow->rate.selectivity : settings_.selectivity;
  bool asked = keyed_ || stateless;  // other flows are looked up when something is selected
  const auto visit = [&](const SelectedWindow& window) {
    if (!asked) {
      asked = true;
      flow = flows_.find(packet_.flow, captured, true, format_of(packet_.flow));
      if (flow != nullptr) selectivity = flow->rate.selectivity;
    }
    if (window.hash < al_threshold(selectivity)) take(captured, window, audio, sink);
    return selectivity;
  };
  const std::uint32_t selected = lanes_.scan(audio.packet, run, selectivity, visit);
  if (flow != nullptr) flow->rate.selected += selected;
}

void PacketScanner::State::take(const CapturedPacket& captured, const SelectedWindow& window, const Audio& audio,
                                ObservationSink& sink) {
  const bool verbatim = window.domain == AL_DOMAIN_VERBATIM;
  const std::uint8_t* symbols = window.symbols.data();
  const std::uint32_t peak = verbatim ? 0 : al_window_peak(symbols, settings_.window, window.domain);
  const std::uint32_t refusal = verbatim
                                    ? al_refuse_verbatim(symbols, settings_.window)
                                    : al_refuse_companded(symbols, settings_.window, peak, settings_.silence_threshold);
  if (refusal != AL_REFUSALS) {
    ++counters.refused[refusal];
    return;
  }
  const std::uint32_t offset = audio.base + window.last_byte;
  al_event event = describe(captured);
  event.signature = al_signature(settings_.algorithm, symbols, settings_.window, window.hash, window.domain);
  event.domain = static_cast<std::uint8_t>(window.domain);
  event.peak = static_cast<std::uint16_t>(peak);
  event.zero_crossings = static_cast<std::uint8_t>(verbatim ? 0 : al_window_crossings(symbols, settings_.window));
  event.offset = verbatim ? offset : (offset - rtp_.header) >> al_codec_is_linear(audio.packet.codec);
  if (event.identity == AL_IDENTITY_TCP) event.stream_id = packet_.sequence + offset;
  event.leading_zeros = static_cast<std::uint8_t>(al_leading_zeros(window.hash));
  emit(captured, event, sink);
}

al_event PacketScanner::State::describe(const CapturedPacket& captured) const {
  std::array<std::uint8_t, AL_PAYLOAD_HASHED> front{};
  const std::size_t from = std::min<std::size_t>(payload_offset_, captured.bytes.size());
  std::copy_n(captured.bytes.begin() + static_cast<std::ptrdiff_t>(from),
              std::min<std::size_t>(front.size(), captured.bytes.size() - from), front.begin());
  al_event event{};
  al_describe(&event, &packet_, &rtp_, front.data(), payload_length_);
  event.time_ns = captured.time;
  return event;
}

void PacketScanner::State::emit(const CapturedPacket& captured, al_event& event, ObservationSink& sink) {
  ++counters.emitted;
  Observation seen = observation_of(event);
  seen.point = captured.point;
  sink.on_observation(seen);
}

PacketScanner::PacketScanner(const al_settings& settings, const al_port_table& ports)
    : state_(std::make_unique<State>(settings, ports)) {}
PacketScanner::~PacketScanner() = default;

void PacketScanner::set_payload_sink(PayloadSink* sink) {
  state_->listen(sink);
}
void PacketScanner::treat(const FlowKey& flow, const CapturePoint& point, bool tunnelled, al_treatment treatment) {
  state_->treat(wire_flow_key(flow, point, tunnelled), treatment);
}
void PacketScanner::set_stateless(bool stateless) {
  state_->stateless = stateless;
}
void PacketScanner::scan(const CapturedPacket& packet, ObservationSink& sink) {
  state_->scan(packet, sink);
}
void PacketScanner::age(EventTime now, EventTime timeout) {
  state_->age(now, timeout);
}
std::uint64_t PacketScanner::relieved_flows() const {
  return state_->relieved_flows();
}
std::size_t PacketScanner::flows() const {
  return state_->flows();
}
const al_counters& PacketScanner::counters() const {
  return state_->counters;
}

}  // namespace audio_latency
