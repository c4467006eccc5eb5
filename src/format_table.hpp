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
#include "keyed_hash.hpp"
#include "pipeline.hpp"

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
  Placement sender;  // as of its last signature
  Placement receiver;
};

// Signatures of one sender in one domain.
struct Signatures {
  Placement sender;
  SocketAddress address;
  Domain domain = Domain::verbatim;
  std::uint64_t count = 0;
  EventTime last = 0;  // not before the newest of them
};

class SignatureSink {
 public:
  virtual ~SignatureSink() = default;
  virtual void on_signatures(const Signatures& signatures) = 0;
};

struct FormatStats {
  std::array<std::uint64_t, 5> unhashable{};  // flows, by enum Unhashable
  std::uint64_t flows = 0;
  std::uint64_t flow_table_full = 0;
  std::uint64_t flow_quota = 0;
  std::uint64_t flows_relieved = 0;  // forgotten early (flow_relief.hpp)
  std::uint64_t short_flows = 0;     // windows selected in flows that nothing is known of yet
  std::uint64_t not_audio = 0;       // windows selected in what is no sound, or has it inside a framing
  std::uint64_t decoded_bytes = 0;   // of payload
  std::uint64_t resyncs = 0;         // framing was lost
  std::uint64_t skipped_bytes = 0;   // passed over while it was
  ReassemblyCounters reassembly;
  ScanCounters scan;
};

// The formats stage: decides what each flow is and has it treated so; decodes those whose audio the kernel can't find,
// and scans that. Bounded by MAX_FLOWS, a tenth for one sender. Loop thread only.
class Formats : public PayloadSink, public PlacedGate {
 public:
  static constexpr std::uint64_t kShort = 4096;     // bytes of a flow that may pass before anything is matched of it
  static constexpr std::uint64_t kDeflated = 4096;  // bytes of compressed messages that make a verdict

  // `observations` and `treatments` must outlive it.
  Formats(const Options& options, const al_settings& settings, ObservationSink& observations,
          TreatmentSink& treatments);

  void set_ports(const std::vector<AudioPort>& ports);
  // PCMA was met, ever: the A-law domain is worth its cost (ALAW_DOMAIN=auto).
  bool saw_pcma() const { return saw_pcma_; }

  void on_payload(const Payload& payload) override;
  // Of a payload that comes in a while: asks for what it needs. Each step wants what the one before has brought.
  static constexpr unsigned kPrefetchSteps = 2 + DecodedFlow::kPrefetchSteps;
  struct Coming {
    std::size_t near = 0;  // place in near_
  };
  void prefetch(const Payload& payload, unsigned step, Coming& coming) const;
  void comes_next(const Coming& coming) {
    if (near_[coming.near] != nullptr) last_ = near_[coming.near];
  }
  // Each observation counts for its flow, wherever it was made. Those of a flow that is no sound go no further, nor do
  // those of the framing around sound: the kernel program scans a flow's first packets, and those behind a pause, as
  // they are, before it is told.
  Verdict judge(const PlacedObservation& seen) override;
  // Those counted since the last report: one packet's flow is at hand, its sender's counter is far.
  void report_signatures(SignatureSink& sink);
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
    KeyedHash hash;
  };
  struct Flow {
    FlowVerdict verdict;
    std::uint8_t doubts = 0;  // verdicts in a row that speak against the one that it has
    bool looked_twice = false;
    std::unique_ptr<FlowClassifier> classifier;
    std::unique_ptr<DecodedFlow> decoded;
    std::array<std::uint32_t, kDomains.size() + 1> unreported{};  // signatures, by domain
    std::uint64_t reported = 0;                                   // signatures
    Placement sender;
    Placement receiver;
    std::uint64_t payload_bytes = 0;
    EventTime first_seen = 0;
    EventTime last_seen = 0;
    EventTime decided = 0;
  };

  // Tells what was found in decoded sound from what the kernel program found in the same flow.
  class Decoded : public ObservationSink {
   public:
    explicit Decoded(ObservationSink& observations) : observations_(observations) {}
    void on_observation(const Observation& observation) override {
      passing_ = true;
      observations_.on_observation(observation);
      passing_ = false;
    }
    bool passing() const { return passing_; }

   private:
    ObservationSink& observations_;
    bool passing_ = false;
  };

  using FlowMap = std::unordered_map<Key, Flow, HashKey>;

  FlowMap::value_type* known(const Key& key);
  FlowMap::iterator erase(FlowMap::iterator flow);
  Flow* find(const Key& key, EventTime now);
  al_format declared(const FlowKey& flow) const;
  void pcma_seen();
  void classify(const Key& key, Flow& flow, const Payload& payload);
  void decode(const Key& key, Flow& flow, const Payload& payload);
  bool overrules(Flow& flow, const FlowVerdict& verdict) const;
  void settle(const Key& key, Flow& flow, const FlowVerdict& verdict, EventTime now);
  void review(const Key& key, Flow& flow, EventTime now);
  bool is_short(const Flow& flow, const FlowKey& key) const;
  void say_sound(const Key& key, Flow& flow);
  void retire(Flow& flow);
  static void report_flow(const Key& key, Flow& flow, SignatureSink& sink);
  void keep_report(const Key& key, Flow& flow);  // of a flow that goes
  static Key sender_of(const Key& key);
  FlowMap::iterator forget(FlowMap::iterator flow);
  void forget_idle(EventTime now);
  void relieve_table(EventTime now);

  std::uint32_t max_flows_;
  EventTime flow_timeout_ns_;
  Tristate a_law_domain_;
  std::unordered_map<std::uint16_t, al_format> ports_;
  TreatmentSink& treatments_;
  Decoded decoded_;
  AudioScanner scanner_;
  FlowMap flows_;
  FlowMap::value_type* last_ = nullptr;              // found last: what is found in one packet's sound is of one flow
  std::array<FlowMap::value_type*, 16'384> near_{};  // by hash: one step where the map takes three, each to far memory
  std::unordered_map<Key, std::uint32_t, HashKey> senders_;  // flows of each address
  FormatStats totals_;                                       // what is not summed over flows
  std::vector<Signatures> of_departed_;                      // flows, not reported yet
  bool saw_pcma_ = false;
  EventTime aged_ = 0;
  EventTime relieved_ = 0;
};

std::string describe_layers(std::uint16_t layers);

}  // namespace audio_latency
