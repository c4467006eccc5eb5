// SPDX-License-Identifier: Apache-2.0
// test-fuzz-seeds DIRECTORY: a few well-formed inputs for each fuzzer, in the form that it takes (tests/fuzz), made by
// the builders of the unit tests. What is in tests/fuzz/seeds was written by it, but for the text of yaml and ports.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "bus_message.hpp"
#include "support/format_cases.hpp"
#include "support/format_flows.hpp"
#include "support/pcap_writer.hpp"
#include "support/scenario_audio.hpp"

namespace audio_latency::test {
namespace {

constexpr std::size_t kLongest = 1200;  // bytes; the fuzzers make longer ones

class Seeds {
 public:
  explicit Seeds(std::filesystem::path directory) : directory_(std::move(directory)) {}

  void add(const std::string& fuzzer, Bytes bytes) {
    bytes.resize(std::min(bytes.size(), kLongest));
    const std::filesystem::path to = directory_ / fuzzer;
    std::filesystem::create_directories(to);
    std::ofstream file(to / std::to_string(++written_[fuzzer]), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    good_ = good_ && file.good();
  }
  bool good() const { return good_; }

 private:
  std::filesystem::path directory_;
  std::map<std::string, unsigned> written_;
  bool good_ = true;
};

void little_endian16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value));
  to.push_back(static_cast<std::uint8_t>(value >> 8));
}

Bytes frame_of(const LabelledFlow& flow, const Bytes& payload) {
  Packet packet;
  packet.ethernet().ipv4();
  return (flow.protocol == 6 ? packet.tcp(4000, 6000, 1) : packet.udp(4000, 6000)).payload(payload).build();
}

// Byte 0: the size of the pieces.
void decoders(Seeds& seeds) {
  const std::map<std::string, std::string> fuzzers{
      {"WebSocket", "websocket"},     {"JSON", "json"}, {"SSE", "sse"}, {"HTTP", "http"},
      {"AudioSocket", "audiosocket"}, {"gRPC", "http2"}};
  std::uint8_t piece = 11;
  for (const FormatCase& each : format_cases()) {
    const std::string name = each.name;
    const auto fuzzer = fuzzers.find(name.substr(0, name.find_first_of(" ,")));
    Bytes input{piece += 10};
    append(input, each.wire);
    if (fuzzer != fuzzers.end()) seeds.add(fuzzer->second, input);
  }
}

// The beginnings of flows, for what takes packets.
void flows(Seeds& seeds, const scenario::Samples& sound) {
  auto all = audio_flows(sound, 40);
  const auto others = other_flows(sound, 40, 0.1);
  all.insert(all.end(), others.begin(), others.end());
  for (const LabelledFlow& flow : all) {
    if (flow.packets.empty()) continue;  // none in so short a time
    Bytes classified;
    Bytes scanned{0x80};
    PcapWriter file;
    EventTime last = flow.packets.front().time;
    for (std::size_t i = 0; i < std::min<std::size_t>(flow.packets.size(), 3); ++i) {
      const auto& [time, bytes] = flow.packets[i];
      const Bytes payload(bytes.begin(), bytes.begin() + static_cast<long>(std::min<std::size_t>(bytes.size(), 350)));
      classified.push_back(flow.protocol == 6 ? 0 : 8);
      classified.push_back(static_cast<std::uint8_t>((time - last) / 1'000'000));
      little_endian16(classified, payload.size());
      append(classified, payload);
      last = time;
      const Bytes frame = frame_of(flow, payload);
      scanned.push_back(1);
      little_endian16(scanned, frame.size());
      append(scanned, frame);
      file.add(time, {reinterpret_cast<const char*>(frame.data()), frame.size()});
    }
    seeds.add("classify", classified);
    if (flow.name.starts_with("RTP") || flow.name.starts_with("TCP")) seeds.add("packet", scanned);
    if (flow.name == "RTP PCMU" || flow.name == "TCP PCM16LE") {
      Bytes capture{0};
      append(capture, file.bytes());
      seeds.add("pcap", capture);
    }
  }
}

// Segments in order, re-ordered, twice, overlapping: each a step from the last one's end, a time step, a length.
void segments(Seeds& seeds) {
  const std::vector<std::vector<int>> steps{{0, 0, 0}, {100, -200, 100, 0}, {0, -100, 0}, {0, -50, 0}, {0, 300, 0}};
  for (const auto& each : steps) {
    Bytes input;
    for (const int step : each) {
      little_endian16(input, static_cast<std::size_t>(step));
      input.push_back(2);
      little_endian16(input, 100);
      append(input, random_bytes(100, static_cast<std::uint64_t>(step + 1000)));
    }
    seeds.add("reassembly", input);
  }
}

void messages(Seeds& seeds) {
  seeds.add("bus", bytes_of(encode(BusMessage{7, BusHeartbeat{"node-1", false, 0, 0}})));
  BusBatch batch;
  batch.node = "node-1";
  batch.stream = 3;
  batch.sent_ns = 1'700'000'000'000'000'000;
  batch.endpoints.push_back({1, true, {EndpointKind::pod, "relay-0", "voice", "relay", "node-1", "3f2a"}});
  BusFlow flow;
  flow.number = 1;
  flow.view.key = {{IpAddress::from_ipv4(0x0a000001), 4000}, {IpAddress::from_ipv4(0x0a000002), 6000}, 17};
  flow.sender = 1;
  batch.flows.push_back(flow);
  BusRecord record;
  record.time_ns = batch.sent_ns - 1000;
  record.signature = 0x123456789abcdef0;
  record.flow = 1;
  batch.records.push_back(record);
  batch.behind = {1, kBusHighestNumber};
  seeds.add("bus", bytes_of(encode(BusMessage{7, batch})));
  Bytes made = random_bytes(400, 5);
  made.front() = 0xff;  // fuzz_bus makes a message of it
  seeds.add("bus", made);
}

int run(const char* directory) {
  Seeds seeds(directory);
  scenario::Random random(3);
  decoders(seeds);
  flows(seeds, scenario::speech(random, 0.3, 8000));
  segments(seeds);
  messages(seeds);
  return seeds.good() ? 0 : 1;
}

}  // namespace
}  // namespace audio_latency::test

int main(int argc, char** argv) {
  if (argc == 2) return audio_latency::test::run(argv[1]);
  std::fprintf(stderr, "usage: test-fuzz-seeds DIRECTORY\n");
  return 2;
}
