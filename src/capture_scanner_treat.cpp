// SPDX-License-Identifier: Apache-2.0
// The twin of bpf/treat.h, and of the payload domain.
#include <algorithm>

#include "capture_payload.hpp"
#include "capture_scanner_state.hpp"

namespace audio_latency {

void PacketScanner::State::treat(const al_flow_key& key, al_treatment treatment) {
  if (treatment.codec == AL_CODEC_PCMA && ports_.a_law == AL_A_LAW_WAITING) ports_.a_law = AL_A_LAW_ON;
  if (al_flow* flow = flows_.look_up(key); flow != nullptr) apply_treatment(*flow, treatment, now_);
}

// AL_SCANNED: the packet is to be scanned by treatment_.
al_verdict PacketScanner::State::manage(const CapturedPacket& captured, al_format format) {
  const bool wanted = payload_length_ >= settings_.minimum_payload || treatment_.handling == AL_DECODE ||
                      (packet_.flow.protocol == 17 && payload_offset_ < AL_HEADER_BYTES &&
                       al_may_be_rtp(header_.data() + payload_offset_, payload_length_) != 0);
  const bool empty = payload_length_ == 0;
  if (empty && packet_.syn == 0) return AL_TOO_SMALL;
  if (al_flow* known = flows_.look_up(packet_.flow); known != nullptr)
    al_reconsider(known, format, packet_.syn, captured.time);
  al_flow* flow = flows_.find(packet_.flow, captured, !empty && wanted, format);
  if (empty || (flow == nullptr && !wanted)) return AL_TOO_SMALL;
  if (flow != nullptr) treatment_ = flow->treatment;
  if (treatment_.handling == AL_IGNORE) return AL_NOT_AUDIO;
  if (treatment_.handling == AL_DECODE) {
    hand_over(captured, payload_length_);
    return AL_DECODED;
  }
  parse_rtp(captured);
  if (flow != nullptr && rtp_.header != 0) al_reconsider_rtp(flow, &rtp_, captured.time);
  if (flow != nullptr && flow->sample_left != 0) hand_over(captured, al_take_sample(flow, payload_length_));
  return AL_SCANNED;
}

void PacketScanner::State::hand_over(const CapturedPacket& captured, std::uint32_t bytes) {
  const bool tcp = packet_.flow.protocol == 6;
  const std::size_t end = std::min<std::size_t>(payload_offset_ + payload_length_, captured.bytes.size());
  al_payload header{};
  header.packet = describe(captured);
  bool more = bytes != 0;
  for (std::uint32_t offset = 0; more; offset += header.bytes) {
    const std::uint32_t left = bytes - offset;
    const std::size_t from = std::min<std::size_t>(payload_offset_ + offset, end);
    header.bytes = std::min<std::uint32_t>(left, AL_PAYLOAD_CHUNK);
    header.bytes = std::min<std::uint32_t>(header.bytes, static_cast<std::uint32_t>(end - from));
    more = tcp && left > header.bytes && header.bytes != 0;
    header.length = more ? header.bytes : payload_length_ - offset;
    if (tcp) header.packet.stream_id = packet_.sequence + offset;
    ++counters.payloads;
    Payload payload = payload_of(header, captured.bytes.subspan(from, header.bytes));
    payload.point = captured.point;
    payload_sink->on_payload(payload);
  }
}

void PacketScanner::State::take_payload(const CapturedPacket& captured, const Audio& audio, al_flow& flow,
                                        ObservationSink& sink) {
  const std::uint32_t length = packet_.end - packet_.offset - rtp_.header;
  if (length < AL_PAYLOAD_MIN || length > AL_PAYLOAD_MAX) {
    ++counters.refused[length < AL_PAYLOAD_MIN ? AL_REFUSED_SHORT_PAYLOAD : AL_REFUSED_LONG_PAYLOAD];
    return;
  }
  if (audio.truncated) return;
  std::array<std::uint8_t, AL_PAYLOAD_MAX + 32> bytes{};
  std::copy(audio.packet.bytes.begin(), audio.packet.bytes.end(), bytes.begin());
  const std::uint64_t hash = al_xxh64_any(bytes.data(), length, AL_DOMAIN_PAYLOAD);
  if (al_is_selected(hash, al_rate_update(&flow.payload_rate, captured.time, 0)) == 0) return;
  ++flow.payload_rate.selected;
  al_event event = describe(captured);
  event.signature = hash;
  event.domain = AL_DOMAIN_PAYLOAD;
  event.offset = rtp_.header + length - 1;
  event.leading_zeros = static_cast<std::uint8_t>(al_leading_zeros(hash));
  emit(captured, event, sink);
}

}  // namespace audio_latency
