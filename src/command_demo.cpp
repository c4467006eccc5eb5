// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "capture_live.hpp"
#include "command.hpp"
#include "command_demo_call.hpp"
#include "identity_static.hpp"
#include "pipeline.hpp"
#include "wall_clock.hpp"

namespace audio_latency {
namespace {

constexpr double kSeconds = 14;  // of sound in each call
constexpr double kMaximumP50Ms = 0.2;
constexpr double kMaximumP99Ms = 1.0;
constexpr std::size_t kMinimumCount = 100;
constexpr const char* kSounds = "/usr/share/asterisk/sounds/en_US_f_Allison/";  // Debian: asterisk-core-sounds-en-wav

struct Plan {
  int delay_ms;
  const char* recording;
};
constexpr std::array<Plan, 4> kPlans = {{{0, "demo-congrats.wav"},
                                         {23, "demo-instruct.wav"},
                                         {270, "basic-pbx-ivr-main.wav"},
                                         {2130, "priv-callee-options.wav"}}};
using Calls = std::vector<std::unique_ptr<DemoCall>>;

Sound sound_of(const Plan& plan) {
  auto recorded = read_wav(std::string(kSounds) + plan.recording);
  if (!recorded) {
    return synthesise_speech(kSeconds, 8000, static_cast<std::uint64_t>(plan.delay_ms));
  }
  const auto wanted = static_cast<std::size_t>(kSeconds * recorded->rate);
  recorded->samples.resize(std::min(wanted, recorded->samples.size()));
  return std::move(*recorded);
}

Result<Calls> open_calls() {
  Calls calls;
  for (const Plan& plan : kPlans) {
    auto call = DemoCall::create(sound_of(plan), plan.delay_ms * 1'000'000LL);
    if (!call) {
      return call.error();
    }
    calls.push_back(std::move(*call));
  }
  return calls;
}

Options options_for(Options options, const Calls& calls) {
  options.interfaces = {"lo"};
  options.interfaces_defaulted = false;
  options.direction = DirectionOption::ingress;
  options.audio_ports.clear();
  for (const auto& call : calls) {
    options.audio_ports.push_back({call->relay().port, AL_FORMAT_RAW});
    options.audio_ports.push_back({call->sink().port, AL_FORMAT_RAW});
  }
  return options;
}

class Collector : public MatchSink {
 public:
  void on_match(const Match& match) override {
    if (match.kind == MatchKind::latency) {
      matches_.push_back(match);
    }
  }
  const std::vector<Match>& matches() const { return matches_; }

 private:
  std::vector<Match> matches_;
};

class QuietLog : public CaptureLog {
 public:
  void on_capture_event(const std::string& event_type, const std::string& interface,
                        const std::string& message) override {
    if (event_type == "attach_error") {
      std::fprintf(stderr, "demo: %s: %s\n", interface.c_str(), message.c_str());
    }
  }
};

void say_progress(double seconds, std::size_t latencies, bool& announced) {
  if (isatty(STDOUT_FILENO) != 0) {
    std::printf("\r%2.0f s, %zu latencies measured ", seconds, latencies);
  } else if (!announced) {
    std::printf("playing for about %.0f s\n", kSeconds + kPlans.back().delay_ms / 1e3 + 3);
  }
  announced = true;
  (void)std::fflush(stdout);
}

// Plays all calls to their end, and a second more for what is still on its way through the matcher. They begin a while
// after tracking: of calls that might have been going on before, nothing is recorded for MAX_LATENCY (a loop may have
// been entered half-way).
Status listen(Calls& calls, LiveCapture& capture, Pipeline& pipeline, const Collector& collector) {
  constexpr double kSilence = 1.5;  // seconds
  constexpr double kLongest = 27;   // seconds; a call that is not done by then is stuck
  const std::uint64_t start = monotonic_ns();
  const auto elapsed = [start] { return static_cast<double>(monotonic_ns() - start) / 1e9; };
  double end = kLongest;
  bool announced = false;
  bool playing = false;
  while (elapsed() < end) {
    if (!playing && elapsed() >= kSilence) {
      std::for_each(calls.begin(), calls.end(), [](const auto& call) { call->start(); });
      playing = true;
    }
    pollfd ready{capture.fd(), POLLIN, 0};
    poll(&ready, 1, 100);
    if (auto drained = capture.drain(pipeline); !drained) {
      return drained.error();
    }
    pipeline.advance(capture.now());
    say_progress(elapsed(), collector.matches().size(), announced);
    if (end == kLongest && playing &&
        std::all_of(calls.begin(), calls.end(), [](const auto& call) { return call->done(); })) {
      end = std::min(kLongest, elapsed() + 1);
    }
  }
  for (auto& call : calls) {
    call->stop();
  }
  std::printf("\n");
  return success();
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) {
    return NAN;
  }
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

// One line of the table; true where the measured latencies are the injected ones. Both columns are of the same windows.
bool report(const DemoCall& call, const Options& options, const std::vector<Match>& matches) {
  const auto truth = call.injected(options);
  std::vector<double> injected;
  std::vector<double> measured;
  std::vector<double> errors;
  for (const Match& match : matches) {
    if (match.source != call.source() || match.dest != call.sink()) {
      continue;
    }
    const auto known = truth.find(match.signature);
    measured.push_back(static_cast<double>(match.latency_ns) / 1e6);
    injected.push_back(known == truth.end() ? INFINITY : static_cast<double>(known->second) / 1e6);
    errors.push_back(std::abs(measured.back() - injected.back()));
  }
  const bool right = errors.size() >= kMinimumCount && quantile(errors, 0.5) <= kMaximumP50Ms &&
                     quantile(errors, 0.99) <= kMaximumP99Ms;
  std::printf("%5.0f ms %10.2f %10.2f %12.2f %10.2f %8zu %10.3f %8.3f  %s\n",
              static_cast<double>(call.delay_ns()) / 1e6, quantile(injected, 0.5), quantile(injected, 0.99),
              quantile(measured, 0.5), quantile(measured, 0.99), errors.size(), quantile(errors, 0.5),
              quantile(errors, 0.99), right ? "ok" : "WRONG");
  return right;
}

// Latencies between calls that nothing connects.
std::size_t count_strays(const Calls& calls, const std::vector<Match>& matches) {
  return static_cast<std::size_t>(std::count_if(matches.begin(), matches.end(), [&calls](const Match& match) {
    return std::none_of(calls.begin(), calls.end(), [&match](const auto& call) {
      return match.source == call->source() && match.dest == call->sink();
    });
  }));
}

bool report_all(const Calls& calls, const Options& options, const std::vector<Match>& matches) {
  std::printf(
      "              injected, ms            measured, ms                      error, ms\n"
      "    hold        p50        p99          p50        p99    count        p50      p99\n");
  bool right = true;
  for (const auto& call : calls) {
    right = report(*call, options, matches) && right;
  }
  const std::size_t strays = count_strays(calls, matches);
  std::printf("%zu latencies between calls that nothing connects\n", strays);
  return right && strays == 0;
}

Result<bool> run_demo(const Options& given) {
  auto calls = open_calls();
  if (!calls) {
    return calls.error();
  }
  const Options options = options_for(given, *calls);
  QuietLog log;
  auto capture = LiveCapture::create(options, log);
  if (!capture) {
    return capture.error();
  }
  StaticResolver resolver;
  Pipeline pipeline(options, resolver);
  Collector collector;
  pipeline.add(collector);
  std::printf(
      "%zu calls on lo (%s, PCM16 over UDP, 20 ms packets), each through a relay that holds it and sends it on "
      "in packets cut 10 ms off\n",
      calls->size(), std::filesystem::exists(kSounds) ? "recorded speech" : "synthesised speech");
  if (const Status listened = listen(*calls, **capture, pipeline, collector); !listened) {
    return listened.error();
  }
  pipeline.finish();
  return report_all(*calls, options, collector.matches());
}

}  // namespace

int command_demo(const Options& options) {
  const auto right = run_demo(options);
  if (!right) {
    std::fprintf(stderr, "audio-latency: %s\n", right.error().message.c_str());
    return kFailure;
  }
  return *right ? kSuccess : kFailure;
}

}  // namespace audio_latency
