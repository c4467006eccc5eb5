// SPDX-License-Identifier: Apache-2.0
#include "support/truth_flow.hpp"

#include <netinet/in.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>

namespace audio_latency::truth {
namespace {

using Bytes = std::span<const std::uint8_t>;

std::uint32_t big_endian(Bytes bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) {
    value = value << 8 | byte;
  }
  return value;
}

std::optional<Packet> parse(Bytes frame, std::int64_t time_ns) {
  constexpr std::size_t kEthernet = 14;
  if (frame.size() < kEthernet + 20 || big_endian(frame.subspan(12, 2)) != 0x0800) {
    return std::nullopt;
  }
  const Bytes ip = frame.subspan(kEthernet);
  const std::size_t ip_header = 4U * (ip[0] & 0x0F);
  const Bytes segment = ip.subspan(std::min(ip_header, ip.size()));
  Packet packet;
  packet.time_ns = time_ns;
  packet.flow.protocol = ip[9];
  const bool tcp = ip[9] == IPPROTO_TCP;
  if ((!tcp && ip[9] != IPPROTO_UDP) || segment.size() < (tcp ? 20U : 8U)) {
    return std::nullopt;
  }
  packet.flow.source = {IpAddress::from_ipv4(big_endian(ip.subspan(12, 4))),
                        static_cast<std::uint16_t>(big_endian(segment.subspan(0, 2)))};
  packet.flow.destination = {IpAddress::from_ipv4(big_endian(ip.subspan(16, 4))),
                             static_cast<std::uint16_t>(big_endian(segment.subspan(2, 2)))};
  std::size_t header = 8;
  if (tcp) {
    header = 4U * (segment[12] >> 4);
    packet.sequence = big_endian(segment.subspan(4, 4));
    packet.syn = (segment[13] & 0x02) != 0;
  }
  const Bytes payload = segment.subspan(std::min(header, segment.size()));
  packet.payload.assign(payload.begin(), payload.end());
  return packet;
}

void append(Audio& audio, Bytes bytes, std::int64_t time_ns) {
  audio.packet_times.push_back(time_ns);
  audio.bytes.insert(audio.bytes.end(), bytes.begin(), bytes.end());
  audio.packet_of_byte.resize(audio.bytes.size(), static_cast<std::uint32_t>(audio.packet_times.size() - 1));
}

Result<Audio> rtp_audio(const std::vector<Packet>& packets) {
  constexpr std::size_t kHeader = 12;  // the examples send no CSRC, extension or padding
  Audio audio;
  std::optional<std::uint16_t> last;
  for (const Packet& packet : packets) {
    if (packet.payload.size() < kHeader) {
      continue;
    }
    const auto sequence = static_cast<std::uint16_t>(big_endian(Bytes(packet.payload).subspan(2, 2)));
    if (last && sequence != static_cast<std::uint16_t>(*last + 1)) {
      return Error{"RTP sequence number " + std::to_string(sequence) + " follows " + std::to_string(*last)};
    }
    last = sequence;
    append(audio, Bytes(packet.payload).subspan(kHeader), packet.time_ns);
  }
  return audio;
}

Audio datagram_audio(const std::vector<Packet>& packets) {
  Audio audio;
  for (const Packet& packet : packets) {
    append(audio, packet.payload, packet.time_ns);
  }
  return audio;
}

// Bytes in sequence-number order; of what comes twice the first stands.
Result<Audio> stream_audio(const std::vector<Packet>& packets) {
  Audio audio;
  std::optional<std::uint32_t> start;
  for (const Packet& packet : packets) {
    if (packet.syn) {
      start = packet.sequence + 1;
    }
    if (!start) {
      return Error{"the capture lacks the SYN of " + packet.flow.source.to_string()};
    }
    if (packet.payload.empty()) {
      continue;
    }
    const std::uint32_t at = packet.sequence - *start;
    if (at > audio.bytes.size()) {
      return Error{"the capture lacks bytes " + std::to_string(audio.bytes.size()) + " to " + std::to_string(at) +
                   " of " + packet.flow.source.to_string()};
    }
    const std::size_t known = std::min(packet.payload.size(), audio.bytes.size() - at);
    append(audio, Bytes(packet.payload).subspan(known), packet.time_ns);
  }
  return audio;
}

struct ClosePcap {
  void operator()(pcap_t* capture) const { pcap_close(capture); }
};

}  // namespace

Result<std::map<FlowKey, std::vector<Packet>>> read_flows(const std::string& file) {
  std::array<char, PCAP_ERRBUF_SIZE> problem{};
  const std::unique_ptr<pcap_t, ClosePcap> capture(
      pcap_open_offline_with_tstamp_precision(file.c_str(), PCAP_TSTAMP_PRECISION_NANO, problem.data()));
  if (!capture || pcap_datalink(capture.get()) != DLT_EN10MB) {
    return Error{file + " is not a capture of an Ethernet device: " + problem.data()};
  }
  std::map<FlowKey, std::vector<Packet>> flows;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (pcap_next_ex(capture.get(), &header, &data) == 1) {
    const std::int64_t time_ns = header->ts.tv_sec * 1'000'000'000LL + header->ts.tv_usec;
    if (auto packet = parse({data, header->caplen}, time_ns)) {
      flows[packet->flow].push_back(std::move(*packet));
    }
  }
  return flows;
}

Result<Audio> audio_of(const std::vector<Packet>& packets, const std::string& framing) {
  if (framing == "rtp") {
    return rtp_audio(packets);
  }
  if (framing == "udp") {
    return datagram_audio(packets);
  }
  auto stream = stream_audio(packets);
  return stream ? Result<Audio>(unwrap(std::move(*stream), framing)) : stream;
}

}  // namespace audio_latency::truth
