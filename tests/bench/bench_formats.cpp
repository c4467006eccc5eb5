// SPDX-License-Identifier: Apache-2.0
// The formats stage alone: processor time that a second of many decoded streams takes, from payload to observations
// (reassembly, framing, base64, the scan in two domains). Figures, one JSON object a line.
#include <time.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "format_queue.hpp"
#include "support/format_flows.hpp"
#include "support/format_world.hpp"

namespace audio_latency::test {
namespace {

constexpr EventTime kStart = 1'000'000'000'000;
constexpr EventTime kFrame = 20'000'000;
constexpr unsigned kSeconds = 4;  // the first decides what the flows are, the others are measured

struct Discard : ObservationSink, TreatmentSink {
  std::uint64_t seen = 0;
  void on_observation(const Observation&) override { ++seen; }
  void treat(const FlowKey&, const CapturePoint&, bool, al_treatment) override {}
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Load {
  const char* name;
  unsigned streams;
  al_codec codec;
  unsigned rate;
  std::function<Bytes(const Bytes&, std::uint32_t)> wrap;
  double goal;  // of one core
};

void figure(const std::string& name, double value, const char* unit, const std::string& goal, const char* holds) {
  std::printf("{\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", \"goal\": %s, \"holds\": %s}\n", name.c_str(),
              value, unit, goal.c_str(), holds);
}

void run(const Load& load) {
  scenario::Random random(1);
  const Bytes audio = encode_samples(scenario::speech(random, 20, load.rate), load.codec);
  const std::size_t frame = load.rate / 50 * (load.codec == AL_CODEC_PCM16LE ? 2 : 1);
  // Every stream plays the same minute from another place; the packets are made beforehand.
  std::vector<Bytes> packets;
  for (std::size_t at = 0; at + frame <= audio.size(); at += frame) {
    const auto from = audio.begin() + static_cast<long>(at);
    packets.push_back(load.wrap({from, from + static_cast<long>(frame)}, random.word()));
  }
  Options options;
  options.max_flows = 100'000;
  Discard discard;
  Formats formats(options, oracle_settings(), discard, discard);
  PayloadQueue queue(formats);
  std::vector<std::uint32_t> sequences(load.streams, 0);
  double spent = 0;
  std::uint64_t bytes = 0;
  std::uint64_t observed = 0;
  for (unsigned number = 0; number < kSeconds * 50; ++number) {
    const bool measured = number >= 50;
    if (number == 50) observed = discard.seen;
    const double before = cpu_seconds();
    for (unsigned stream = 0; stream < load.streams; ++stream) {
      const Bytes& payload = packets[(number + 37 * stream) % packets.size()];
      Payload packet = segment(payload, sequences[stream], kStart + number * kFrame);
      packet.flow.source = {IpAddress::from_ipv4(0x0a000000 + stream), 4000};
      queue.on_payload(packet);
      sequences[stream] += packet.length;
      if (measured) bytes += payload.size();
    }
    queue.flush();
    formats.advance(kStart + number * kFrame);
    if (measured) spent += cpu_seconds() - before;
  }
  const double share = spent / (kSeconds - 1);
  const std::string name = std::string("formats: ") + load.name;
  figure(name + ": of one core", share, "", "\"<= " + std::to_string(load.goal).substr(0, 4) + "\"",
         share <= load.goal ? "true" : "false");
  figure(name + ": time per payload byte", spent * 1e9 / static_cast<double>(bytes), "ns", "null", "null");
  figure(name + ": payload", static_cast<double>(bytes) * 1e-6 / (kSeconds - 1), "MB/s", "null", "null");
  figure(name + ": observations of a stream",
         static_cast<double>(discard.seen - observed) / load.streams / (kSeconds - 1), "1/s", "null", "null");
}

}  // namespace
}  // namespace audio_latency::test

// Of the loads, those whose name contains the argument.
int main(int argc, char** argv) {
  using namespace audio_latency::test;
  const Load loads[] = {
      {"2,000 WebSocket streams, PCM16 16 kHz, masked", 2000, AL_CODEC_PCM16LE, 16'000,
       [](const Bytes& audio, std::uint32_t key) { return websocket_frame(audio, {.mask = key}); }, 0.4},
      {"1,000 WebSocket streams, Twilio JSON", 1000, AL_CODEC_PCMU, 8000,
       [](const Bytes& audio, std::uint32_t) { return websocket_frame(bytes_of(twilio_media(audio)), {.opcode = 1}); },
       0.15}};
  for (const Load& load : loads)
    if (argc < 2 || std::string(load.name).find(argv[1]) != std::string::npos) run(load);
}
