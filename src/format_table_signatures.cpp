// SPDX-License-Identifier: Apache-2.0
// Which signatures count, and how many each flow has.
#include <utility>

#include "format_table.hpp"

namespace audio_latency {

// Requests and answers of a few KiB in protocols that nobody knows would fill the matcher's tables. What sound there
// may be in so little is known before.
bool Formats::is_short(const Flow& flow, const FlowKey& key) const {
  if (flow.verdict.decided() || flow.payload_bytes == 0 || flow.payload_bytes >= kShort) return false;
  const al_format format = declared(key);
  return format == AL_FORMAT_NONE || format == AL_FORMAT_AUTO;
}

PlacedGate::Verdict Formats::judge(const PlacedObservation& seen) {
  const Observation& one = seen.observation;
  Flow* flow = find({one.flow, one.point, one.tunnelled}, one.time);
  if (flow == nullptr) return Verdict::passes;
  const std::uint8_t handling = flow->verdict.treatment.handling;
  if (handling == AL_IGNORE || (handling == AL_DECODE && !decoded_.passing())) {
    ++totals_.not_audio;
    return Verdict::stops;
  }
  if (is_short(*flow, one.flow)) {
    ++totals_.short_flows;
    return Verdict::stops;
  }
  ++flow->unreported[static_cast<std::size_t>(one.domain)];
  flow->sender = seen.sender;
  flow->receiver = seen.receiver;
  return Verdict::counted;
}

void Formats::report_flow(const Key& key, Flow& flow, SignatureSink& sink) {
  for (std::size_t domain = 0; domain < flow.unreported.size(); ++domain) {
    const std::uint32_t count = std::exchange(flow.unreported[domain], 0);
    if (count == 0) continue;
    flow.reported += count;
    sink.on_signatures({flow.sender, key.flow.source, static_cast<Domain>(domain), count, flow.last_seen});
  }
}

void Formats::report_signatures(SignatureSink& sink) {
  for (const Signatures& each : of_departed_) sink.on_signatures(each);
  of_departed_.clear();
  for (auto& [key, flow] : flows_) report_flow(key, flow, sink);
}

namespace {

struct Kept : SignatureSink {
  explicit Kept(std::vector<Signatures>& to) : signatures(to) {}
  void on_signatures(const Signatures& more) override { signatures.push_back(more); }
  std::vector<Signatures>& signatures;
};

}  // namespace

void Formats::keep_report(const Key& key, Flow& flow) {
  Kept kept(of_departed_);
  report_flow(key, flow, kept);
}

}  // namespace audio_latency
