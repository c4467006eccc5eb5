// SPDX-License-Identifier: Apache-2.0
// audio-source: plays sound files, or synthesised speech, in real time as a telephone or a voice client would send it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <optional>

#include "audio_format.hpp"
#include "command_demo_sound.hpp"

namespace {

using namespace audio_latency;            // NOLINT(google-build-using-namespace)
using namespace audio_latency::examples;  // NOLINT(google-build-using-namespace)

struct SourceOptions {
  std::vector<std::string> files;
  std::string to;
  std::string serve;
  Framing format = Framing::rtp;
  std::optional<Codec> codec;
  int ptime_ms = 20;
  double start = 0;
  double seconds = 0;
  bool loop = false;
  std::uint32_t rate = 8000;
  std::uint64_t seed = 1;
};

void describe(CLI::App& app, SourceOptions& options) {
  app.description("Plays WAV files (PCM, mono, 16 bit), or synthesised speech where none is given, in real time.");
  app.add_option("files", options.files, "WAV files, or directories of them, played one after another");
  auto* output = app.add_option_group("output")->require_option(1);
  output->add_option("--to", options.to, "HOST:PORT to send to");
  output->add_option("--serve", options.serve,
                     "HOST:PORT where a listener fetches it (not rtp, udp); port 0 takes a free one");
  app.add_option("--format", options.format, kFramingsHelp)->transform(CLI::CheckedTransformer(framing_names()));
  app.add_option("--codec", options.codec, "pcmu, pcma, pcm16 or pcm16be; default: what the format is used with")
      ->transform(CLI::CheckedTransformer(codec_names()));
  app.add_option("--ptime", options.ptime_ms, "milliseconds of sound in a packet, segment or frame")
      ->check(CLI::Range(5, 200));
  app.add_option("--start", options.start, "seconds into the sound where to begin")->check(CLI::Range(0.0, 1e6));
  app.add_option("--seconds", options.seconds, "stop after so much sound; 0: at the end of the files")
      ->check(CLI::Range(0.0, 1e6));
  app.add_flag("--loop", options.loop, "begin again at the end");
  app.add_option("--rate", options.rate, "Hz of synthesised speech; files have their own")
      ->check(CLI::Range(8000, 48'000));
  app.add_option("--seed", options.seed, "other synthesised speech for each seed");
}

Result<Sound> sound_of(const SourceOptions& options) {
  constexpr double kSynthesised = 60;
  const double wanted = options.seconds > 0 && !options.loop ? options.start + options.seconds : kSynthesised;
  auto sound = options.files.empty() ? Result<Sound>(synthesise_speech(wanted, options.rate, options.seed))
                                     : read_sounds(options.files);
  if (!sound) {
    return sound;
  }
  const auto skipped = static_cast<std::size_t>(options.start * sound->rate);
  if (skipped >= sound->samples.size()) {
    return Error{"--start lies behind the end of the sound"};
  }
  // What is skipped comes at the end, where --loop gets to it.
  std::rotate(sound->samples.begin(), sound->samples.begin() + static_cast<std::ptrdiff_t>(skipped),
              sound->samples.end());
  if (!options.loop) {
    sound->samples.resize(sound->samples.size() - skipped);
  }
  return sound;
}

void sleep_until(std::int64_t steady_ns) {
  const timespec deadline{steady_ns / 1'000'000'000, steady_ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) == EINTR) {
  }
}

// The samples from `position` on, from the beginning again past the end.
std::vector<std::int16_t> slice(const Sound& sound, std::size_t position, std::size_t count) {
  std::vector<std::int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i] = sound.samples[(position + i) % sound.samples.size()];
  }
  return samples;
}

// Deadlines are absolute, counted from the start: one late packet does not delay those after it.
Status play(const Sound& sound, const SourceOptions& options, Codec codec, AudioWriter& writer) {
  const std::size_t chunk = sound.rate * static_cast<std::uint32_t>(options.ptime_ms) / 1000;
  const auto limit = static_cast<std::size_t>(options.seconds * sound.rate);
  const std::size_t length = limit > 0      ? (options.loop ? limit : std::min(limit, sound.samples.size()))
                             : options.loop ? SIZE_MAX
                                            : sound.samples.size();
  const std::int64_t start = steady_clock_ns();
  for (std::size_t position = 0; length - position >= chunk; position += chunk) {
    const std::int64_t elapsed = static_cast<std::int64_t>(position / chunk + 1) * options.ptime_ms * 1'000'000LL;
    sleep_until(start + elapsed);
    if (Status sent = writer.write(encode(codec, slice(sound, position, chunk))); !sent) {
      return sent;
    }
  }
  return success();
}

// Connects, or waits for the one who fetches the sound.
MadeWriter open_output(const SourceOptions& options, const StreamFormat& format) {
  const Transport transport = transport_of(format.framing);
  if (options.serve.empty()) {
    auto socket = connect_to(options.to, transport, 10'000);
    return socket ? make_writer(format, std::move(*socket), Role::client) : MadeWriter(socket.error());
  }
  if (transport == Transport::udp) {
    return Error{"--serve needs a format over TCP"};
  }
  const auto listener = listen_at(options.serve, transport);
  if (!listener) {
    return listener.error();
  }
  std::printf("out %s\n", local_address(*listener).c_str());
  (void)std::fflush(stdout);
  auto socket = accept_from(*listener);
  return socket ? make_writer(format, std::move(*socket), Role::server) : MadeWriter(socket.error());
}

Status run(const SourceOptions& options) {
  const auto sound = sound_of(options);
  if (!sound) {
    return sound.error();
  }
  const auto format = stream_format(options.format, options.codec, sound->rate);
  if (!format) {
    return format.error();
  }
  auto writer = open_output(options, *format);
  return writer ? play(*sound, options, format->codec, **writer) : Status(writer.error());
}

}  // namespace

int main(int argc, char** argv) {
  SourceOptions options;
  CLI::App app;
  describe(app, options);
  CLI11_PARSE(app, argc, argv);
  const Status done = run(options);
  if (!done) {
    std::fprintf(stderr, "audio-source: %s\n", done.error().message.c_str());
  }
  return done ? 0 : 1;
}
