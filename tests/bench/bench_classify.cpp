// SPDX-License-Identifier: Apache-2.0
// What the classifier calls a labelled set of flows: a table for people (--table), else figures, one JSON object a
// line. Speech is that of Debian's asterisk-core-sounds-en-wav; everything else is made here. The kernel program's
// sampling is imitated: 8 KiB of a flow's payload every 2 s, all of it where the flow is decoded.
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "format_table.hpp"
#include "support/format_flows.hpp"
#include "support/format_world.hpp"
#include "support/scanning.hpp"

namespace audio_latency::test {
namespace {

constexpr const char* kRecordings = "/usr/share/asterisk/sounds";
constexpr std::size_t kSampled = 8192;
constexpr EventTime kAgain = 2'000'000'000;

struct Treatments : TreatmentSink {
  al_treatment last{};
  bool again = false;  // another sample is wished
  void treat(const FlowKey&, const CapturePoint&, bool, al_treatment treatment) override {
    last = treatment;
    again = treatment.handling == AL_SAMPLE;
  }
};

struct Discard : ObservationSink {
  void on_observation(const Observation&) override {}
};

// "pcmu", "ignored: tls", "undecided" ...
std::string called(const LabelledFlow& flow) {
  static const char* const codecs[] = {"unknown", "pcmu", "pcma", "pcm16le", "pcm16be", "compressed"};
  Options options;
  Discard sink;
  Treatments treatments;
  Formats formats(options, oracle_settings(), sink, treatments);
  std::uint32_t sequence = flow.first_sequence;
  std::size_t sampled = 0;
  EventTime since = 0;
  for (const auto& each : flow.packets) {
    Payload packet = segment(each.bytes, sequence, each.time);
    packet.flow.protocol = flow.protocol;
    sequence += packet.length;
    if (treatments.last.handling == AL_SCAN || treatments.last.handling == AL_IGNORE) break;
    if (treatments.last.handling == AL_SAMPLE) {
      if (each.time >= since + kAgain || std::exchange(treatments.again, false)) {
        since = each.time;
        sampled = 0;
      }
      packet.bytes = packet.bytes.first(std::min(packet.bytes.size(), kSampled - sampled));
      sampled += packet.bytes.size();
    }
    formats.on_payload(packet);
  }
  const std::vector<FlowView> views = formats.flows();
  if (views.empty()) return "undecided";
  const FlowView& view = views.front();
  if (view.unhashable != Unhashable::no) return std::string(to_string(view.unhashable));
  if (view.handling == AL_SAMPLE) return "undecided";
  if (view.handling == AL_IGNORE) return "not audio";
  if (view.handling == AL_DECODE && view.codec == AL_CODEC_UNKNOWN) return "no audio yet: " + view.why;
  return codecs[view.codec];
}

bool is_codec(const std::string& verdict) {
  return verdict.rfind("pcm", 0) == 0;
}

// Stretches of one second in which somebody speaks.
std::vector<scenario::Samples> seconds_of_speech(std::size_t most) {
  scenario::Random random(1);
  std::vector<scenario::Samples> found;
  for (const scenario::Samples& recording : scenario::recordings(kRecordings, random)) {
    for (std::size_t at = 0; at + 8000 <= recording.size() && found.size() < most; at += 8000) {
      const scenario::Samples second(recording.begin() + static_cast<long>(at),
                                     recording.begin() + static_cast<long>(at) + 8000);
      const auto loud = std::count_if(second.begin(), second.end(), [](int x) { return x > 500 || x < -500; });
      if (loud > 2000) found.push_back(second);
    }
  }
  return found;
}

struct Row {
  std::map<std::string, unsigned> calls;
  unsigned right = 0;
  unsigned flows = 0;
};

void figure(const char* name, double value, const char* goal, bool holds) {
  std::printf("{\"name\": \"%s\", \"value\": %.5f, \"unit\": \"of flows\", \"goal\": \"%s\", \"holds\": %s}\n", name,
              value, goal, holds ? "true" : "false");
}

int run(bool table, std::size_t most) {
  std::map<std::string, Row> rows;
  unsigned audio = 0, audio_right = 0, others = 0, others_called_audio = 0, with_reason = 0, reason_right = 0;
  const auto speech = seconds_of_speech(most);
  scenario::Random random(2);
  std::vector<scenario::Samples> sounds = speech;
  for (int i = 0; i < 20; ++i) sounds.push_back(scenario::music(random, 1, 8000));
  for (std::size_t i = 0; i < sounds.size(); ++i) {
    const auto seed = static_cast<unsigned>(1000 + 17 * i);
    const bool music = i >= speech.size();
    for (const LabelledFlow& flow : audio_flows(sounds[i], seed)) {
      const std::string verdict = called(flow);
      static const char* const codecs[] = {"unknown", "pcmu", "pcma", "pcm16le", "pcm16be"};
      const bool right = verdict == codecs[flow.codec];
      Row& row = rows[(music ? "music, " : "speech, ") + flow.name];
      ++row.calls[verdict], ++row.flows, ++audio;
      row.right += right ? 1 : 0;
      audio_right += right ? 1 : 0;
    }
    if (i % 4 != 0) continue;
    for (const LabelledFlow& flow : other_flows(sounds[i], seed, 3)) {
      const std::string verdict = called(flow);
      const bool right = flow.reason.empty()
                             ? verdict == "not audio" || verdict == "undecided" || verdict.rfind("no audio yet", 0) == 0
                             : verdict == flow.reason;
      Row& row = rows["other, " + flow.name];
      ++row.calls[verdict], ++row.flows, ++others;
      row.right += right ? 1 : 0;
      others_called_audio += is_codec(verdict) ? 1 : 0;
      with_reason += flow.reason.empty() ? 0 : 1;
      reason_right += !flow.reason.empty() && right ? 1 : 0;
    }
  }
  if (table) {
    std::printf("| flows | right | called |\n|---|---|---|\n");
    for (const auto& [name, row] : rows) {
      std::string calls;
      for (const auto& [verdict, count] : row.calls)
        calls += (calls.empty() ? "" : ", ") + std::to_string(count) + " " + verdict;
      std::printf("| %s | %.1f %% | %s |\n", name.c_str(), 100.0 * row.right / row.flows, calls.c_str());
    }
  }
  if (audio == 0 || others == 0) {
    std::fprintf(stderr, "bench-classify: no recordings below %s\n", kRecordings);
    return 1;
  }
  const double share = static_cast<double>(audio_right) / audio;
  figure("classify: audio flows right within 1 s of sound", share, ">= 0.99", share >= 0.99);
  figure("classify: other flows called audio", static_cast<double>(others_called_audio) / others, "0",
         others_called_audio == 0);
  figure("classify: encrypted and compressed flows called so", static_cast<double>(reason_right) / with_reason,
         ">= 0.99", reason_right >= 0.99 * with_reason);
  return 0;
}

}  // namespace
}  // namespace audio_latency::test

int main(int argc, char** argv) {
  return audio_latency::test::run(argc > 1 && std::strcmp(argv[1], "--table") == 0, 400);
}
