// SPDX-License-Identifier: Apache-2.0
#include "support/scenario_output.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "support/frames.hpp"
#include "support/pcap_writer.hpp"

namespace audio_latency::scenario {
namespace {

struct Slot {
  Nanoseconds time;
  std::uint32_t flow;
  std::uint32_t packet;
};

Nanoseconds end_of(double seconds) {
  return static_cast<Nanoseconds>(seconds * 1e9);
}

bool captured(const Packet& packet, double seconds) {
  return packet.time >= 0 && packet.time < end_of(seconds);
}

std::string frame_of(const Traffic& traffic, const Flow& flow, std::uint32_t number) {
  const Packet& packet = flow.packets[number];
  const Bytes& bytes = traffic.streams()[flow.stream].bytes;
  const std::string_view audio(reinterpret_cast<const char*>(bytes.data()) + packet.begin, packet.end - packet.begin);
  test::Frame frame;
  frame.source = flow.source;
  frame.destination = flow.destination;
  frame.ip_id = static_cast<std::uint16_t>(number);
  frame.payload = audio;
  if (flow.transport == Transport::tcp) {
    frame.protocol = test::kTcp;
    frame.tcp_sequence = flow.identity + static_cast<std::uint32_t>(packet.begin);
  } else if (flow.transport == Transport::rtp) {
    const auto sequence = static_cast<std::uint16_t>(flow.first_sequence + number);
    const auto timestamp = flow.identity * 3 + static_cast<std::uint32_t>(packet.begin);  // one byte a sample
    frame.payload = test::rtp(0, sequence, timestamp, flow.identity, audio);
  }
  return test::ethernet(test::ip_packet(frame));
}

// Seconds of the stream whose last byte has passed on the last flow before the capture ends.
std::vector<unsigned> complete(const Traffic& traffic, const CleanCall& call, double seconds) {
  const Flow& last = traffic.flows()[static_cast<std::size_t>(call.last)];
  const std::size_t rate = traffic.streams()[last.stream].bytes_per_second;
  std::size_t passed = 0;
  for (const Packet& packet : last.packets)
    if (captured(packet, seconds)) passed = packet.end;
  std::vector<unsigned> complete = call.seconds;
  std::erase_if(complete, [&](unsigned at) { return (at + 1) * rate > passed; });
  return complete;
}

}  // namespace

void write_capture(const Traffic& traffic, double seconds, Nanoseconds epoch, const std::string& path) {
  std::vector<Slot> slots;
  for (std::uint32_t flow = 0; flow < traffic.flows().size(); ++flow) {
    const auto& packets = traffic.flows()[flow].packets;
    for (std::uint32_t i = 0; i < packets.size(); ++i)
      if (captured(packets[i], seconds)) slots.push_back({packets[i].time, flow, i});
  }
  std::stable_sort(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) { return a.time < b.time; });
  test::PcapWriter writer;
  for (const Slot& slot : slots)
    writer.add(static_cast<std::uint64_t>(epoch + slot.time),
               frame_of(traffic, traffic.flows()[slot.flow], slot.packet));
  writer.save(path);
}

void write_truth(const Traffic& traffic, double seconds, Nanoseconds epoch, bool alike, const std::string& path) {
  nlohmann::json flows = nlohmann::json::array();
  std::string ports;
  std::set<std::uint16_t> known;
  for (const Flow& flow : traffic.flows()) {
    nlohmann::json packets = nlohmann::json::array();
    nlohmann::json ip_ids = nlohmann::json::array();
    for (std::size_t i = 0; i < flow.packets.size(); ++i) {
      const Packet& packet = flow.packets[i];
      if (!captured(packet, seconds)) continue;
      packets.push_back({packet.time, packet.begin, packet.end});
      ip_ids.push_back(i & 0xFFFF);
    }
    flows.push_back({{"call", flow.call},
                     {"source", flow.source.to_string()},
                     {"dest", flow.destination.to_string()},
                     {"protocol", flow.transport == Transport::tcp ? "tcp" : "udp"},
                     {"parent", flow.parent},
                     {"bytes_per_second", traffic.streams()[flow.stream].bytes_per_second},
                     {"packets", std::move(packets)},
                     {"ip_ids", std::move(ip_ids)}});
    if (!known.insert(flow.destination.port).second) continue;
    ports += (ports.empty() ? "" : ",") + std::to_string(flow.destination.port) +
             (flow.transport == Transport::rtp ? "/rtp" : "/raw");
  }
  nlohmann::json clean = nlohmann::json::array();
  for (const CleanCall& call : traffic.clean())
    clean.push_back({{"call", call.call},
                     {"origin", call.origin},
                     {"last", call.last},
                     {"seconds", complete(traffic, call, seconds)}});
  std::ofstream(path) << nlohmann::json{{"epoch_ns", epoch},    {"seconds", seconds}, {"alike", alike},
                                        {"audio_ports", ports}, {"flows", flows},     {"clean", clean}};
}

}  // namespace audio_latency::scenario
