// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "capture_scanner.hpp"

namespace audio_latency {
namespace {

// By RTP payload type (RFC 3551, 6): GSM, G.723, DVI4, LPC, G.722, QCELP, G.728 and G.729 are compressed; comfort noise
// (13), MPEG audio and video are not scanned but as bytes.
constexpr std::uint8_t kCompressed = AL_CODEC_COMPRESSED;
constexpr std::array<std::uint8_t, 128> kCodecs = {AL_CODEC_PCMU,
                                                   0,
                                                   0,
                                                   kCompressed,
                                                   kCompressed,
                                                   kCompressed,
                                                   kCompressed,
                                                   kCompressed,
                                                   AL_CODEC_PCMA,
                                                   kCompressed,  // 9
                                                   AL_CODEC_PCM16BE,
                                                   AL_CODEC_PCM16BE,
                                                   kCompressed,
                                                   0,
                                                   0,
                                                   kCompressed,
                                                   kCompressed,
                                                   kCompressed,
                                                   kCompressed};

}  // namespace

al_settings wire_settings(const Options& options) {
  al_settings settings{};
  settings.algorithm = static_cast<std::uint8_t>(options.signature_algorithm);
  settings.window = static_cast<std::uint8_t>(options.signature_window_size);
  settings.selectivity = static_cast<std::uint8_t>(options.signature_selectivity);
  settings.decapsulate = options.tunnel_ports.empty() ? 0 : 1;
  settings.minimum_payload = static_cast<std::uint16_t>(std::min<std::uint32_t>(options.min_audio_packet_size, 65535));
  const std::size_t tunnels = std::min(options.tunnel_ports.size(), std::size(settings.tunnel_ports));
  std::copy_n(options.tunnel_ports.begin(), tunnels, settings.tunnel_ports);
  settings.silence_threshold = static_cast<std::uint16_t>(options.silence_threshold);
  settings.maximum_flows = options.max_flows;
  settings.budget_bytes_per_second = std::uint64_t{options.scan_budget_mbps} * 1'000'000;
  settings.wakeup_bytes = options.ring_buffer_size / 8;
  settings.payload_wakeup_bytes = options.payload_buffer_size / 8;
  return settings;
}

void fill_port_table(const Options& options, al_port_table& table) {
  std::fill(std::begin(table.format), std::end(table.format),
            static_cast<std::uint8_t>(options.audio_ports.empty() ? AL_FORMAT_AUTO : AL_FORMAT_NONE));
  std::copy(std::begin(kCodecs), std::end(kCodecs), std::begin(table.codec));
  for (const RtpPayloadType& type : options.rtp_payload_types) table.codec[type.type] = type.codec;
  table.a_law = options.a_law_domain == Tristate::no    ? AL_A_LAW_OFF
                : options.a_law_domain == Tristate::yes ? AL_A_LAW_ON
                                                        : AL_A_LAW_WAITING;
  for (const AudioPort& port : options.audio_ports) table.format[port.port] = static_cast<std::uint8_t>(port.format);
}

}  // namespace audio_latency
