// SPDX-License-Identifier: Apache-2.0
// test-speech-capture FORMAT MINUTES CAPTURE.pcap TRUTH.json: recorded speech, source -> relay -> sink, each on an
// address of its own, the relay holding it for 270 ms. One format a capture: the same sound sent at one time by two
// sources would make the flows twins (matching.md), which is not what is measured here.
//
// TRUTH.json: who sends to whom, every packet of both hops as [time in ns, first byte, end byte] of the stream, and the
// seconds of the stream that hold speech.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/frames.hpp"
#include "support/pcap_writer.hpp"
#include "support/scenario_traffic.hpp"

namespace audio_latency {
namespace {

using namespace scenario;  // NOLINT(google-build-using-namespace): this program is one scenario

constexpr const char* kSpeech = "/usr/share/asterisk/sounds";  // Debian's asterisk-core-sounds-en-wav, 8 kHz
constexpr unsigned kRate = 8000;
constexpr std::uint64_t kBegin = 1'700'000'000ULL * second;  // of the capture, ns since 1970
constexpr Nanoseconds kDelay = 270 * millisecond;
constexpr unsigned kSeed = 4;

enum class Framing : std::uint8_t { none, rtp, websocket };

struct Format {
  const char* name;
  const char* audio_ports;  // what AUDIO_PORTS says of it; {} is replaced by the receivers' ports
  Transport transport;
  Framing framing;
  bool mu_law;
};

// Packets of 20 ms against packets of 20 ms cut 10 ms apart, except for TCP: segments of any length.
constexpr Format kFormats[] = {
    {"pcm16-udp", "", Transport::udp, Framing::none, false},
    {"pcmu-rtp", "rtp", Transport::rtp, Framing::rtp, true},
    {"pcm16-rtp", "rtp", Transport::rtp, Framing::rtp, false},
    {"pcm16-tcp", "", Transport::tcp, Framing::none, false},
    {"pcm16-websocket", "", Transport::udp, Framing::websocket, false},
};

struct Sent {
  std::uint64_t time;
  std::string frame;
};

// RFC 6455 §5.2: a final binary frame; what a client sends is masked with a new key each.
std::string websocket_frame(std::string_view payload, bool masked, Random& random) {
  std::string frame = "\x82";
  const int mask_bit = masked ? 0x80 : 0;
  if (payload.size() > 125) {
    frame += static_cast<char>(126 | mask_bit);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xff);
  } else {
    frame += static_cast<char>(static_cast<int>(payload.size()) | mask_bit);
  }
  const std::uint32_t key = masked ? random.word() : 0;
  if (masked) frame.append(reinterpret_cast<const char*>(&key), sizeof key);
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ (key >> 8 * (i % 4) & 0xff));
  return frame;
}

// Puts the packets of one flow on the wire.
class Sender {
 public:
  Sender(const Flow& flow, const Bytes& stream, const Format& format, Random& random)
      : flow_(flow), stream_(stream), format_(format), random_(random), sequence_(flow.identity) {}

  void send(std::vector<Sent>& wire) {
    std::uint16_t number = 0;
    for (const Packet& packet : flow_.packets) {
      test::Frame frame{flow_.source, flow_.destination, protocol(), framed(packet, number), ++number, 64, sequence_};
      sequence_ += static_cast<std::uint32_t>(frame.payload.size());
      wire.push_back({kBegin + static_cast<std::uint64_t>(packet.time), test::ethernet(test::ip_packet(frame))});
    }
  }

 private:
  std::uint8_t protocol() const {
    return format_.transport == Transport::tcp || format_.framing == Framing::websocket ? test::kTcp : test::kUdp;
  }
  std::string framed(const Packet& packet, std::uint16_t number) {
    const std::string_view media(reinterpret_cast<const char*>(stream_.data()) + packet.begin,
                                 packet.end - packet.begin);
    if (format_.framing == Framing::websocket) return websocket_frame(media, flow_.parent < 0, random_);
    if (format_.framing == Framing::none) return std::string(media);
    const auto timestamp = static_cast<std::uint32_t>(packet.begin / (format_.mu_law ? 1 : 2));
    return test::rtp(format_.mu_law ? 0 : 96, static_cast<std::uint16_t>(flow_.first_sequence + number), timestamp,
                     flow_.identity, media);
  }

  const Flow& flow_;
  const Bytes& stream_;
  const Format& format_;
  Random& random_;
  std::uint32_t sequence_;
};

Samples recorded_speech(double minutes) {
  Random order(kSeed);
  Samples all;
  const auto wanted = static_cast<std::size_t>(minutes * 60 * kRate);
  for (const Samples& recording : recordings(kSpeech, order)) {
    if (all.size() >= wanted) break;
    append(all, recording);
  }
  all.resize(std::min(all.size(), wanted));
  return all;
}

nlohmann::json packets_of(const Flow& flow) {
  auto list = nlohmann::json::array();
  for (const Packet& packet : flow.packets) {
    list.push_back({kBegin + static_cast<std::uint64_t>(packet.time), packet.begin, packet.end});
  }
  return list;
}

void write(const Format& format, double minutes, const std::string& capture, const std::string& truth) {
  const Samples speech = recorded_speech(minutes);
  Random random(kSeed + 1);
  Traffic traffic(random, false);
  const auto source = traffic.endpoint("source");
  const auto relay_in = traffic.endpoint("relay");
  const auto relay_out = traffic.endpoint("relay");
  const auto sink = traffic.endpoint("sink");
  const unsigned bytes_per_second = kRate * (format.mu_law ? 1 : 2);
  const auto stream = traffic.stream(format.mu_law ? mu_law(speech) : pcm16le(speech), bytes_per_second);
  const int first = traffic.origin("speech", source, relay_in, stream, {format.transport, 20, 0}, second);
  traffic.relay(first, relay_out, sink, {format.transport, 20, 0.5}, held(kDelay));

  std::vector<Sent> wire;
  for (const Flow& flow : traffic.flows()) Sender(flow, traffic.streams()[stream].bytes, format, random).send(wire);
  std::stable_sort(wire.begin(), wire.end(), [](const Sent& a, const Sent& b) { return a.time < b.time; });
  test::PcapWriter writer;
  for (const Sent& sent : wire) writer.add(sent.time, sent.frame);
  writer.save(capture);

  const std::string suffix = *format.audio_ports == '\0' ? "" : std::string("/") + format.audio_ports;
  const nlohmann::json json = {
      {"format", format.name},
      {"audio_ports", std::to_string(relay_in.port) + suffix + "," + std::to_string(sink.port) + suffix},
      {"source", source.to_string()},
      {"sink", sink.to_string()},
      {"bytes_per_second", bytes_per_second},
      {"speech_seconds", speech_seconds(speech, kRate)},
      {"source_packets", packets_of(traffic.flows()[0])},
      {"relay_packets", packets_of(traffic.flows()[1])},
  };
  std::ofstream(truth) << json.dump() << '\n';
}

}  // namespace
}  // namespace audio_latency

int main(int argc, char** argv) {
  using audio_latency::kFormats;
  const auto* format = std::find_if(std::begin(kFormats), std::end(kFormats),
                                    [&](const auto& known) { return argc == 5 && argv[1] == std::string(known.name); });
  if (format == std::end(kFormats)) {
    std::fputs("Usage: test-speech-capture FORMAT MINUTES CAPTURE.pcap TRUTH.json; FORMAT is one of", stderr);
    for (const auto& known : kFormats) std::fprintf(stderr, " %s", known.name);
    std::fputs("\n", stderr);
    return 2;
  }
  audio_latency::write(*format, std::atof(argv[2]), argv[3], argv[4]);
  return 0;
}
