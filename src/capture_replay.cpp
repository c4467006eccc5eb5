// SPDX-License-Identifier: Apache-2.0
#include "capture_replay.hpp"

#include <algorithm>
#include <utility>

namespace audio_latency {
namespace {

constexpr int kBatch = 1024;  // packets
constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kBatchTime = 50 * kMillisecond;  // as often as the live capture's timer
constexpr EventTime kAgeEvery = 1'000 * kMillisecond;

// Counts what passes.
class Counted : public ObservationSink {
 public:
  Counted(ObservationSink& sink, std::uint64_t& count) : sink_(sink), count_(count) {}
  void on_observation(const Observation& observation) override {
    ++count_;
    sink_.on_observation(observation);
  }

 private:
  ObservationSink& sink_;
  std::uint64_t& count_;
};

}  // namespace

Result<std::unique_ptr<ReplayCapture>> ReplayCapture::open(const Options& options,
                                                           const std::vector<std::string>& paths, bool stateless) {
  std::vector<std::unique_ptr<CaptureFile>> files;
  for (const std::string& path : paths) {
    auto file = CaptureFile::open(path);
    if (!file) return file.error();
    files.push_back(std::move(*file));
  }
  return std::make_unique<ReplayCapture>(options, std::move(files), stateless);
}

ReplayCapture::ReplayCapture(const Options& options, std::vector<std::unique_ptr<CaptureFile>> files, bool stateless)
    : flow_timeout_ns_(options.flow_timeout_ms * kMillisecond) {
  const al_settings settings = wire_settings(options);
  const auto ports = std::make_unique<al_port_table>();
  fill_port_table(options, *ports);
  for (auto& file : files) {
    Source& source = sources_.emplace_back();
    source.file = std::move(file);
    source.scanner = std::make_unique<PacketScanner>(settings, *ports);
    source.scanner->set_stateless(stateless);
  }
  for (Source& source : sources_) fetch(source);
}

void ReplayCapture::fetch(Source& source) {
  const auto more = source.file->next(source.pending);
  source.ended = !more || !*more;
  if (!more) broken_files_.push_back(more.error().message);
  source.pending.point.node = static_cast<std::uint32_t>(&source - sources_.data());
}

ReplayCapture::Source* ReplayCapture::earliest() {
  Source* first = nullptr;
  for (Source& source : sources_) {
    if (!source.ended && (first == nullptr || source.pending.time < first->pending.time)) first = &source;
  }
  return first;
}

Result<bool> ReplayCapture::drain(ObservationSink& sink) {
  Counted counted(sink, observations_);
  const EventTime began = now_;
  for (int i = 0; i < kBatch && now_ - began < kBatchTime; ++i) {
    Source* source = earliest();
    if (source == nullptr) return false;
    const CapturedPacket& packet = source->pending;
    now_ = std::max(now_, packet.time);  // stamps of one file may go back a little
    if (packet.bytes.size() < packet.wire_length) ++cut_packets_;
    source->scanner->scan(packet, counted);
    fetch(*source);
  }
  if (now_ - aged_ >= kAgeEvery) {
    for (Source& source : sources_) source.scanner->age(now_, flow_timeout_ns_);
    aged_ = now_;
  }
  return true;
}

Status ReplayCapture::set_payload_sink(PayloadSink* sink) {
  for (Source& source : sources_) source.scanner->set_payload_sink(sink);
  return success();
}

void ReplayCapture::Treatments::treat(const FlowKey& flow, const CapturePoint& point, bool tunnelled,
                                      al_treatment treatment) {
  if (point.node < sources_.size()) sources_[point.node].scanner->treat(flow, point, tunnelled, treatment);
}

LiveCaptureStats ReplayCapture::stats() const {
  LiveCaptureStats stats;
  for (const Source& source : sources_) {
    stats.interfaces.push_back({source.file->name(), "ingress", source.scanner->counters()});
    stats.flows += source.scanner->flows();
    stats.relieved_flows += source.scanner->relieved_flows();
  }
  stats.attached_interfaces = sources_.size();
  stats.received_events = observations_;
  stats.attach_mode = "replay";
  return stats;
}

}  // namespace audio_latency
