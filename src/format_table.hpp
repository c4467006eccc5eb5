// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "audio_latency/capture.hpp"
#include "audio_latency/options.hpp"
#include "format_flow.hpp"

namespace audio_latency {

// What is known of one flow at one capture point, as /api/v1/flows shows it.
struct FlowView {
  FlowKey flow;
  CapturePoint point;
  bool tunnelled = false;
  std::uint8_t handling = AL_SAMPLE;  // enum al_handling
  std::string format;                 // "rtp", "websocket/json/base64"
  std::uint8_t codec = AL_CODEC_UNKNOWN;
  std::uint32_t rate = 0;  // Hz; 0: unknown
  std::string why;         // a sentence: how it is known, or what is wrong
  Unhashable unhashable = Unhashable::no;
  std::uint64_t signatures = 0;
  std::uint64_t payload_bytes = 0;  // that came here
  EventTime first_seen = 0;
  EventTime last_seen = 0;
};

struct FormatStats {
  std::array<std::uint64_t, 5> unhashable{};  // flows, by enum Unhashable
  std::uint64_t flows = 0;
  std::uint64_t flow_table_full = 0;
  std::uint64_t flow_quota = 0;
  std::uint64_t decoded_bytes = 0;  // of payload
  std::uint64_t resyncs = 0;        // framing was lost
  std::uint64_t skipped_bytes = 0;  // passed over while it was
  ReassemblyCounters reassembly;
  ScanCounters scan;
};

// The formats stage: decides what each flow is and has it treated so; decodes those whose audio the kernel can't find,
// and scans that. Bounded by MAX_FLOWS, a tenth for one sender. Loop thread only.
class Formats : public PayloadSink {
 public:
  // `observations` and `treatments` must outlive it.
  Formats(const Options& options, const al_settings& settings, ObservationSink& observations,
          TreatmentSink& treatments);

  void set_a_law(bool on) { scanner_.set_a_law(on); }
  bool saw_pcma() const { return saw_pcma_; }  // ever: the A-law domain is worth its cost

  void on_payload(const Payload& payload) override;
  // An observation that was made elsewhere: it counts for its flow.
  void count(const Observation& seen);
  // Gives up gaps, forgets flows that were not seen for FLOW_TIMEOUT_MS.
  void advance(EventTime now);

  FormatStats stats() const;
  std::vector<FlowView> flows() const;

 private:
  struct Key {
    FlowKey flow;
    CapturePoint point;
    bool tunnelled = false;
    bool operator==(const Key&) const = default;
  };
  struct HashKey {
    std::size_t operator()(const Key& key) const;
    std::uint64_t secret = 0;
  };
  struct Flow {
    FlowVerdict verdict;
    std::uint8_t doubts = 0;  // verdicts in a row that say nothing but that it is not audio
    std::unique_ptr<FlowClassifier> classifier;
    std::unique_ptr<DecodedFlow> decoded;
    std::uint64_t counted = 0;  // observations made elsewhere
    std::uint64_t payload_bytes = 0;
    EventTime first_seen = 0;
    EventTime last_seen = 0;
    EventTime decided = 0;
  };

  Flow* find(const Key& key, EventTime now);
  void classify(const Key& key, Flow& flow, const Payload& payload);
  void decode(const Key& key, Flow& flow, const Payload& payload);
  bool overrules(Flow& flow, const FlowVerdict& verdict) const;
  void settle(const Key& key, Flow& flow, const FlowVerdict& verdict, EventTime now);
  void review(const Key& key, Flow& flow, EventTime now);
  void retire(Flow& flow);
  void forget(const Key& key);

  const Options& options_;
  TreatmentSink& treatments_;
  AudioScanner scanner_;
  std::unordered_map<Key, Flow, HashKey> flows_;
  std::unordered_map<Key, std::uint32_t, HashKey> senders_;
  FormatStats totals_;  // what is not summed over flows
  bool saw_pcma_ = false;
  EventTime aged_ = 0;
};

std::string describe_layers(std::uint16_t layers);

}  // namespace audio_latency
