// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "capture_replay.hpp"
#include "capture_scanner.hpp"
#include "command.hpp"
#include "format_table.hpp"
#include "identity_static.hpp"
#include "pipeline.hpp"
#include "replay_metrics.hpp"
#include "replay_report.hpp"
#include "replay_signatures.hpp"
#include "replay_table.hpp"
#include "sink_json.hpp"

namespace audio_latency {
namespace {

int complain(const std::string& sentence) {
  std::fprintf(stderr, "audio-latency: replay: %s\n", sentence.c_str());
  return kFailure;
}

// Every file to its end.
template <typename Each>
void read_all(ReplayCapture& capture, ObservationSink& sink, Each after_each_batch) {
  for (;;) {
    const auto more = capture.drain(sink);
    after_each_batch();
    if (!more || !*more) return;
  }
}

// "-": the standard output.
bool write_text(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::cout << text;
    return true;  // finished() looks at the standard output
  }
  std::ofstream file(path);
  file << text;
  file.close();
  return !file.fail();
}

// What can be known only at the end.
int finished(const ReplayCapture& capture) {
  std::cout.flush();
  int status = kSuccess;
  for (const std::string& sentence : capture.broken_files()) status = complain(sentence);
  if (!std::cout) status = complain("The results could not be written to the standard output.");
  return status;
}

int print_signatures(ReplayCapture& capture) {
  SignatureLines lines(std::cout);
  read_all(capture, lines, [] {});
  return finished(capture);
}

Result<std::vector<StaticName>> static_names(const Options& options) {
  if (options.names_file.empty()) return std::vector<StaticName>{};
  return read_names_file(options.names_file);
}

int print_matches(ReplayCapture& capture, const Options& options, const ReplayArguments& arguments) {
  auto names = static_names(options);
  if (!names) return complain(names.error().message);
  StaticResolver resolver(*names);
  Pipeline pipeline(options, resolver);
  Formats formats(options, wire_settings(options), pipeline, capture.treatments());
  pipeline.set_gate(&formats);
  if (auto taken = capture.set_payload_sink(&formats); !taken) return complain(taken.error().message);
  const WallClock clock;  // never measured: event time is time of day
  JsonLines json(std::cout, resolver, clock);
  ReplayTable table(resolver);
  ReplayMetrics metrics(options, capture, pipeline, formats);
  const bool for_people = !arguments.json && arguments.metrics != "-";
  if (arguments.json) pipeline.add(json);
  if (for_people) pipeline.add(table);
  read_all(capture, pipeline, [&] {
    formats.advance(capture.now());
    pipeline.advance(capture.now());
    metrics.update();
  });
  formats.advance(capture.now() + Reassembly::kPatienceNs);
  pipeline.finish();
  if (for_people) std::cout << table.to_string() << '\n' << replay_report(capture, pipeline.matcher().stats());
  const bool written = arguments.metrics.empty() || write_text(arguments.metrics, metrics.text());
  const int status = finished(capture);
  return written ? status : complain("The metrics could not be written to " + arguments.metrics + ".");
}

}  // namespace

int command_replay(const Options& options, const ReplayArguments& arguments) {
  std::ios::sync_with_stdio(false);
  if (arguments.json && arguments.metrics == "-") {
    complain("--json and --metrics - would both write to the standard output; give --metrics a file.");
    return kUsageError;
  }
  auto capture = ReplayCapture::open(options, arguments.files, arguments.signatures);
  if (!capture) return complain(capture.error().message);
  if (arguments.signatures) return print_signatures(**capture);
  return print_matches(**capture, options, arguments);
}

}  // namespace audio_latency
