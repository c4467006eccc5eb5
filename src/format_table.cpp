// SPDX-License-Identifier: Apache-2.0
#include "format_table.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include "audio_latency/wire/scan.h"

namespace audio_latency {
namespace {

constexpr EventTime kAgeEvery = 100'000'000;
constexpr EventTime kRepeatTreatment = 1'000'000'000;  // the kernel's entry may have been made anew
constexpr std::uint64_t kFruitless = 256 * 1024;       // bytes of a decoded flow without anything that may be audio
constexpr std::uint64_t kDeflated = 4096;              // bytes of compressed messages that make a verdict

std::uint64_t secret() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

std::uint64_t mix(std::uint64_t state, std::uint64_t word) {
  return al_fmix64(state ^ word) + 0x9e3779b97f4a7c15ULL;
}

std::uint64_t mix(std::uint64_t state, const SocketAddress& address) {
  state = mix(state, al_load64(address.ip.bytes.data()));
  return mix(state, al_load64(address.ip.bytes.data() + 8) ^ address.port);
}

FlowVerdict ignored(const FlowVerdict& before, const char* why, Unhashable reason) {
  FlowVerdict verdict = before;
  verdict.treatment = {};
  verdict.treatment.handling = AL_IGNORE;
  verdict.why = why;
  verdict.unhashable = reason;
  return verdict;
}

}  // namespace

std::size_t Formats::HashKey::operator()(const Key& key) const {
  std::uint64_t state = mix(mix(secret, key.flow.source), key.flow.destination);
  state = mix(state, std::uint64_t{key.point.node} << 32 | key.point.interface);
  return mix(state, std::uint64_t{key.flow.protocol} << 16 | key.point.direction << 8U | (key.tunnelled ? 1U : 0U));
}

Formats::Formats(const Options& options, const al_settings& settings, ObservationSink& observations,
                 TreatmentSink& treatments)
    : options_(options),
      treatments_(treatments),
      scanner_(settings, observations),
      flows_(64, HashKey{secret()}),
      senders_(16, flows_.hash_function()) {}

Formats::Flow* Formats::find(const Key& key, EventTime now) {
  const auto found = flows_.find(key);
  if (found != flows_.end()) {
    found->second.last_seen = std::max(found->second.last_seen, now);
    return &found->second;
  }
  if (flows_.size() >= options_.max_flows) {
    ++totals_.flow_table_full;
    return nullptr;
  }
  if (!key.flow.source.ip.is_loopback()) {  // there, all senders have one address
    std::uint32_t& held = senders_[{{{key.flow.source.ip, 0}, {}, 0}, {}, false}];
    if (held >= std::max<std::uint32_t>(options_.max_flows / 10, 1)) {
      ++totals_.flow_quota;
      return nullptr;
    }
    ++held;
  }
  Flow& flow = flows_[key];
  flow.first_seen = flow.last_seen = now;
  return &flow;
}

// Decoding ends; what it has counted stays.
void Formats::retire(Flow& flow) {
  if (flow.decoded == nullptr) return;
  totals_.resyncs += flow.decoded->status().resyncs;
  totals_.skipped_bytes += flow.decoded->status().skipped_bytes;
  flow.counted += flow.decoded->tracks().signatures();
  flow.decoded.reset();
}

void Formats::forget(const Key& key) {
  const auto sender = senders_.find({{{key.flow.source.ip, 0}, {}, 0}, {}, false});
  if (sender != senders_.end() && --sender->second == 0) senders_.erase(sender);
}

void Formats::on_payload(const Payload& payload) {
  const Key key{payload.flow, payload.point, payload.tunnelled};
  Flow* flow = find(key, payload.time);
  if (flow == nullptr) return;
  flow->payload_bytes += payload.bytes.size();
  if (flow->decoded != nullptr)
    decode(key, *flow, payload);
  else
    classify(key, *flow, payload);
}

void Formats::count(const Observation& seen) {
  if (Flow* flow = find({seen.flow, seen.point, seen.tunnelled}, seen.time)) ++flow->counted;
}

// Also of a flow that has a verdict: the kernel program samples it again from time to time, and when it changes.
void Formats::classify(const Key& key, Flow& flow, const Payload& payload) {
  if (flow.classifier == nullptr) flow.classifier = std::make_unique<FlowClassifier>(payload.flow.protocol);
  const FlowVerdict verdict = flow.classifier->add(payload);
  if (!verdict.decided()) return;
  settle(key, flow, overrules(flow, verdict) ? verdict : FlowVerdict(flow.verdict), payload.time);
  if (flow.decoded != nullptr) decode(key, flow, payload);
}

// What was scanned is not left because of one bad moment; what is known to be encrypted is not called noise later.
bool Formats::overrules(Flow& flow, const FlowVerdict& verdict) const {
  const bool vague = verdict.treatment.handling == AL_IGNORE && verdict.unhashable == Unhashable::no;
  flow.doubts = vague ? static_cast<std::uint8_t>(flow.doubts + 1) : std::uint8_t{0};
  if (!vague) return true;
  if (flow.verdict.treatment.handling == AL_SCAN) return flow.doubts >= 2;
  return flow.verdict.treatment.handling != AL_IGNORE;
}

void Formats::settle(const Key& key, Flow& flow, const FlowVerdict& verdict, EventTime now) {
  flow.classifier.reset();
  retire(flow);
  flow.verdict = verdict;
  flow.decided = now;
  saw_pcma_ = saw_pcma_ || (verdict.treatment.handling == AL_SCAN && verdict.treatment.codec == AL_CODEC_PCMA);
  if (verdict.treatment.handling == AL_DECODE)
    flow.decoded = std::make_unique<DecodedFlow>(verdict.framing, scanner_, totals_.reassembly);
  treatments_.treat(key.flow, key.point, key.tunnelled, verdict.treatment);
}

void Formats::decode(const Key& key, Flow& flow, const Payload& payload) {
  const std::uint64_t restarts = totals_.reassembly.restarts;
  totals_.decoded_bytes += payload.bytes.size();
  flow.decoded->push(payload);
  if (totals_.reassembly.restarts != restarts) {  // a new connection may speak another protocol
    flow.verdict = {};
    retire(flow);
    classify(key, flow, payload);
    return;
  }
  review(key, flow, payload.time);
}

// Has the flow kept what its framing promised?
void Formats::review(const Key& key, Flow& flow, EventTime now) {
  const DecodeStatus& status = flow.decoded->status();
  const AudioTrack* main = flow.decoded->tracks().main();
  if (main != nullptr && main->format().codec == AL_CODEC_PCMA) saw_pcma_ = true;
  const bool deflated = main == nullptr && status.deflated_bytes >= kDeflated;
  if (deflated || flow.decoded->fruitless_bytes() >= kFruitless) {
    settle(key, flow,
           deflated ? ignored(flow.verdict, "compressed messages (permessage-deflate, gzip): can't be scanned",
                              Unhashable::deflate)
                    : ignored(flow.verdict, "not audio: nothing in its messages is samples of sound", Unhashable::no),
           now);
  } else if (now - flow.decided >= kRepeatTreatment) {
    flow.decided = now;
    treatments_.treat(key.flow, key.point, key.tunnelled, flow.verdict.treatment);
  }
}

void Formats::advance(EventTime now) {
  if (now < aged_ + kAgeEvery) return;
  aged_ = now;
  const EventTime timeout = EventTime{options_.flow_timeout_ms} * 1'000'000;
  for (auto each = flows_.begin(); each != flows_.end();) {
    Flow& flow = each->second;
    if (flow.decoded != nullptr && flow.decoded->waiting()) flow.decoded->advance(now);
    if (now < flow.last_seen + timeout) {
      ++each;
      continue;
    }
    retire(flow);
    forget(each->first);
    each = flows_.erase(each);
  }
}

}  // namespace audio_latency
