// SPDX-License-Identifier: Apache-2.0
// What labelled flows are put together from, for format_flows*.cpp alone.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "support/format_flows.hpp"

namespace audio_latency::test {

constexpr EventTime kFlowStart = 1'000'000'000'000;
constexpr EventTime kFlowFrame = 20'000'000;  // 20 ms

using Wrap = std::function<Bytes(const Bytes& audio, std::size_t number)>;

inline Bytes rtp_packet(std::uint8_t type, std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t ssrc,
                        const Bytes& payload, bool marker = false) {
  Bytes packet{0x80, static_cast<std::uint8_t>(type | (marker ? 0x80 : 0))};
  append16(packet, sequence);
  append32(packet, timestamp);
  append32(packet, ssrc);
  append(packet, payload);
  return packet;
}

// Frames of `frame_bytes`, one every 20 ms, each in a packet of its own.
inline LabelledFlow framed(const std::string& name, std::uint8_t protocol, al_codec codec, const Bytes& audio,
                           std::size_t frame_bytes, const Wrap& wrap, const Bytes& first = {}) {
  LabelledFlow flow{name, codec != AL_CODEC_UNKNOWN, codec, "", protocol, 0, {}};
  if (!first.empty()) flow.packets.push_back({kFlowStart, first});
  for (std::size_t number = 0; (number + 1) * frame_bytes <= audio.size(); ++number) {
    const auto from = audio.begin() + static_cast<long>(number * frame_bytes);
    flow.packets.push_back(
        {kFlowStart + (number + 1) * kFlowFrame, wrap({from, from + static_cast<long>(frame_bytes)}, number)});
  }
  return flow;
}

// A stream of bytes cut into segments, `bytes_per_second` fast.
inline LabelledFlow stream(const std::string& name, const Bytes& bytes, std::size_t segment, double bytes_per_second) {
  LabelledFlow flow{name, false, AL_CODEC_UNKNOWN, "", 6, 77, {}};
  for (std::size_t at = 0; at < bytes.size(); at += segment) {
    const std::size_t size = std::min(segment, bytes.size() - at);
    flow.packets.push_back({kFlowStart + static_cast<EventTime>(1e9 * static_cast<double>(at) / bytes_per_second),
                            {bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(at + size)}});
  }
  return flow;
}

inline LabelledFlow datagrams(const std::string& name, double seconds, std::size_t per_second,
                              const std::function<Bytes(std::size_t)>& make) {
  LabelledFlow flow{name, false, AL_CODEC_UNKNOWN, "", 17, 0, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(seconds * static_cast<double>(per_second)); ++i)
    flow.packets.push_back({kFlowStart + i * (1'000'000'000 / per_second), make(i)});
  return flow;
}

// Of format_flows_more.cpp.
std::vector<LabelledFlow> other_datagrams(unsigned seed, double seconds);
std::vector<LabelledFlow> other_messages(unsigned seed);
std::vector<LabelledFlow> other_files(unsigned seed);

}  // namespace audio_latency::test
