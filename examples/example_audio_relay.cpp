// SPDX-License-Identifier: Apache-2.0
// audio-relay: takes one call, holds its audio for a while, sends it on packetised anew, and logs when each chunk
// arrived and left; in another format where that is wished. Without --to and --serve it is a sink.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>

#include "relay.hpp"

namespace {

using namespace audio_latency;            // NOLINT(google-build-using-namespace)
using namespace audio_latency::examples;  // NOLINT(google-build-using-namespace)

struct CommandLine {
  RelayOptions relay;
  Framing format = Framing::rtp;
  std::optional<Framing> out_format;
  std::optional<Codec> codec;
  std::optional<Codec> out_codec;
  double delay_ms = 0;
  std::uint32_t rate = 8000;
  int out_ptime_ms = 20;
  int phase_ms = 0;
  std::vector<std::size_t> recut;
};

void describe_input(CLI::App& app, CommandLine& line) {
  app.description("Relays one call with a delay and another packetisation; a sink without --to and --serve.");
  auto* input = app.add_option_group("input")->require_option(1);
  input->add_option("--listen", line.relay.listen, "HOST:PORT where the audio comes to; port 0 takes a free one");
  input->add_option("--from", line.relay.from, "HOST:PORT to connect to and fetch the audio from (not rtp, udp)");
  app.add_option("--format", line.format, std::string("of the input. ") + kFramingsHelp)
      ->transform(CLI::CheckedTransformer(framing_names()));
  app.add_option("--codec", line.codec,
                 "of the input: pcmu, pcma, pcm16 or pcm16be; default: what the format is used with")
      ->transform(CLI::CheckedTransformer(codec_names()));
  app.add_option("--rate", line.rate, "Hz")->check(CLI::Range(8000, 48'000));
  app.add_option("--log", line.relay.log,
                 "file for a JSON line per chunk: position in samples, arrival, departure (ns)");
}

void describe_output(CLI::App& app, CommandLine& line) {
  auto* output = app.add_option_group("output")->require_option(0, 1);
  output->add_option("--to", line.relay.to, "HOST:PORT to send to");
  output->add_option("--serve", line.relay.serve, "HOST:PORT where a listener connects to (not rtp, udp)");
  app.add_option("--out-format", line.out_format, "of the output; default: as the input")
      ->transform(CLI::CheckedTransformer(framing_names()));
  app.add_option("--out-codec", line.out_codec, "of the output; default: as the input where the format carries that")
      ->transform(CLI::CheckedTransformer(codec_names()));
  app.add_option("--delay-ms", line.delay_ms, "how long each chunk is held after its last sample arrived")
      ->check(CLI::Range(0.0, 60'000.0));
  app.add_option("--out-ptime", line.out_ptime_ms, "milliseconds of sound in a packet, segment or frame sent")
      ->check(CLI::Range(5, 200));
  app.add_option("--phase-ms", line.phase_ms, "length of the first packet sent: shifts the cuts against the input's")
      ->check(CLI::Range(0, 200));
  app.add_option("--recut", line.recut, "MIN MAX: cut at random into so many bytes instead of --out-ptime")
      ->expected(2);
  app.add_option("--seed", line.relay.seed, "of --recut");
}

Result<RelayOptions> options_of(const CommandLine& line) {
  RelayOptions options = line.relay;
  const auto in = stream_format(line.format, line.codec, line.rate);
  if (!in) {
    return in.error();
  }
  const Framing framing = line.out_format.value_or(line.format);
  auto out = stream_format(framing, line.out_codec.value_or(in->codec), line.rate);
  if (!out && !line.out_codec) {
    out = stream_format(framing, std::nullopt, line.rate);
  }
  if (!out) {
    return out.error();
  }
  options.in = *in;
  options.out = *out;
  options.delay_ns = static_cast<std::int64_t>(line.delay_ms * 1e6);
  const std::size_t millisecond = line.rate / 1000 * bytes_per_sample(options.out.codec);
  const std::size_t regular = millisecond * static_cast<std::size_t>(line.out_ptime_ms);
  options.cut = {millisecond * static_cast<std::size_t>(line.phase_ms), regular, regular};
  if (!line.recut.empty()) {
    options.cut.smallest = line.recut[0];
    options.cut.largest = line.recut[1];
  }
  if (options.cut.smallest == 0 || options.cut.smallest > options.cut.largest) {
    return Error{"--recut MIN MAX: MIN is at least 1 and at most MAX"};
  }
  if (!options.from.empty() && transport_of(options.in.framing) == Transport::udp) {
    return Error{"--from needs a format over TCP"};
  }
  if (!options.serve.empty() && transport_of(options.out.framing) == Transport::udp) {
    return Error{"--serve needs a format over TCP"};
  }
  return options;
}

Status run(const CommandLine& line) {
  auto options = options_of(line);
  if (!options) {
    return options.error();
  }
  auto relay = Relay::create(*options);
  return relay ? (*relay)->run() : Status(relay.error());
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app;
  describe_input(app, line);
  describe_output(app, line);
  CLI11_PARSE(app, argc, argv);
  const Status done = run(line);
  if (!done) {
    std::fprintf(stderr, "audio-relay: %s\n", done.error().message.c_str());
  }
  return done ? 0 : 1;
}
