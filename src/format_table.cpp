// SPDX-License-Identifier: Apache-2.0
#include "format_table.hpp"

#include <algorithm>
#include <array>

#include "flow_relief.hpp"
#include "format_http.hpp"
#include "prefetch.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kAgeEvery = 100'000'000;
constexpr EventTime kRelieveEvery = 1'000'000'000;
constexpr EventTime kRepeatTreatment = 1'000'000'000;  // the kernel's entry may have been made anew
constexpr std::uint64_t kFruitless = 256 * 1024;       // bytes of a decoded flow without anything that may be audio

// What speaks WebSocket, events or JSON begins as HTTP where its beginning is seen.
FlowVerdict declared_verdict(al_format format, ByteSpan front) {
  constexpr std::array<Framing, AL_FORMATS - AL_FORMAT_WEBSOCKET> kFramings = {
      Framing::websocket, Framing::json, Framing::sse, Framing::http, Framing::audiosocket, Framing::http2};
  FlowVerdict verdict;
  verdict.treatment = al_treatment_of(format);
  verdict.framing = kFramings.at(format - AL_FORMAT_WEBSOCKET);
  if (format <= AL_FORMAT_HTTP && begins_with_http(front)) verdict.framing = Framing::http;
  verdict.why = "AUDIO_PORTS says so";
  return verdict;
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
  const std::uint64_t place = std::uint64_t{key.point.node} << 32 | key.point.interface;
  return hash(hash(key.flow) ^ place, key.point.direction << 1U | (key.tunnelled ? 1U : 0U));
}

Formats::Formats(const Options& options, const al_settings& settings, ObservationSink& observations,
                 TreatmentSink& treatments)
    : max_flows_(options.max_flows),
      flow_timeout_ns_(EventTime{options.flow_timeout_ms} * 1'000'000),
      a_law_domain_(options.a_law_domain),
      treatments_(treatments),
      decoded_(observations),
      scanner_(settings, decoded_),
      flows_(64),
      senders_(16, flows_.hash_function()) {
  set_ports(options.audio_ports);
  scanner_.set_a_law(options.a_law_domain == Tristate::yes);
}

void Formats::set_ports(const std::vector<AudioPort>& ports) {
  ports_.clear();
  for (const AudioPort& each : ports) ports_[each.port] = each.format;
}

// As the kernel program has it: where the two ports have different formats, the larger number is taken.
al_format Formats::declared(const FlowKey& flow) const {
  al_format format = AL_FORMAT_NONE;
  for (const std::uint16_t port : {flow.source.port, flow.destination.port})
    if (const auto found = ports_.find(port); found != ports_.end()) format = std::max(format, found->second);
  return format;
}

void Formats::pcma_seen() {
  saw_pcma_ = true;
  if (a_law_domain_ == Tristate::automatic) scanner_.set_a_law(true);
}

Formats::FlowMap::value_type* Formats::known(const Key& key) {
  if (last_ != nullptr && last_->first == key) return last_;
  FlowMap::value_type*& near = near_[flows_.hash_function()(key) % near_.size()];
  if (near == nullptr || near->first != key) {
    const auto found = flows_.find(key);
    if (found == flows_.end()) return nullptr;
    near = &*found;
  }
  return last_ = near;
}

// No pointer may stay.
Formats::FlowMap::iterator Formats::erase(FlowMap::iterator flow) {
  FlowMap::value_type*& near = near_[flows_.hash_function()(flow->first) % near_.size()];
  if (near == &*flow) near = nullptr;
  if (last_ == &*flow) last_ = nullptr;
  return flows_.erase(flow);
}

Formats::Key Formats::sender_of(const Key& key) {
  return {{{key.flow.source.ip, 0}, {}, 0}, {}, false};
}

Formats::Flow* Formats::find(const Key& key, EventTime now) {
  if (FlowMap::value_type* found = known(key)) {
    found->second.last_seen = std::max(found->second.last_seen, now);
    return &found->second;
  }
  if (flows_.size() >= max_flows_) {
    ++totals_.flow_table_full;
    return nullptr;
  }
  if (!key.flow.source.ip.is_loopback()) {  // there, all senders have one address
    std::uint32_t& held = senders_[sender_of(key)];
    if (held >= std::max<std::uint32_t>(max_flows_ / 10, 1)) {
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
  flow.decoded.reset();
}

// Returns the next one.
Formats::FlowMap::iterator Formats::forget(FlowMap::iterator flow) {
  retire(flow->second);
  keep_report(flow->first, flow->second);
  const auto sender = senders_.find(sender_of(flow->first));
  if (sender != senders_.end() && --sender->second == 0) senders_.erase(sender);
  return erase(flow);
}

void Formats::prefetch(const Payload& payload, unsigned step, Coming& coming) const {
  if (step == 0) {
    coming.near = flows_.hash_function()({payload.flow, payload.point, payload.tunnelled}) % near_.size();
    __builtin_prefetch(&near_[coming.near]);
    return;
  }
  const FlowMap::value_type* flow = near_[coming.near];
  if (flow == nullptr) return;
  if (step == 1) return audio_latency::prefetch(flow);
  if (flow->second.decoded != nullptr) flow->second.decoded->prefetch(step - 2);
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

// Also of a flow that has a verdict: the kernel program samples it again from time to time, and when it changes.
void Formats::classify(const Key& key, Flow& flow, const Payload& payload) {
  const al_format format = declared(key.flow);
  if (al_treatment_of(format).handling == AL_DECODE) {
    settle(key, flow, declared_verdict(format, payload.bytes), payload.time);
    decode(key, flow, payload);
    return;
  }
  if (flow.classifier == nullptr) flow.classifier = std::make_unique<FlowClassifier>(payload.flow.protocol);
  const FlowVerdict verdict = flow.classifier->add(payload);
  if (!verdict.decided()) return;
  if (verdict.doubtful && !flow.verdict.decided() && !flow.looked_twice) {
    flow.looked_twice = true;
    flow.classifier.reset();
    treatments_.treat(key.flow, key.point, key.tunnelled, FlowVerdict().treatment);
    return;
  }
  settle(key, flow, overrules(flow, verdict) ? verdict : FlowVerdict(flow.verdict), payload.time);
  if (flow.decoded != nullptr) decode(key, flow, payload);
}

// What was scanned is not left because of one bad moment; what is known to be encrypted is not called noise later.
bool Formats::overrules(Flow& flow, const FlowVerdict& verdict) const {
  const std::uint8_t before = flow.verdict.treatment.handling;
  const bool vague = verdict.treatment.handling == AL_IGNORE && verdict.unhashable == Unhashable::no;
  const bool leaves = before == AL_SCAN && verdict.treatment.handling != AL_SCAN && !verdict.proven;
  flow.doubts = leaves ? static_cast<std::uint8_t>(flow.doubts + 1) : std::uint8_t{0};
  if (leaves) return flow.doubts >= 2;
  return !vague || before != AL_IGNORE;
}

void Formats::settle(const Key& key, Flow& flow, const FlowVerdict& verdict, EventTime now) {
  flow.classifier.reset();
  retire(flow);
  flow.verdict = verdict;
  flow.decided = now;
  if (verdict.treatment.handling == AL_SCAN && verdict.treatment.codec == AL_CODEC_PCMA) pcma_seen();
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
  if (main != nullptr && main->format().codec == AL_CODEC_PCMA) pcma_seen();
  say_sound(key, flow);
  if (declared(key.flow) >= AL_FORMAT_WEBSOCKET) return;  // as it was declared, whatever comes
  const bool deflated = main == nullptr && status.deflated_bytes >= Formats::kDeflated;
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

// In what sound was found the kernel program's table keeps as long as it keeps calls.
void Formats::say_sound(const Key& key, Flow& flow) {
  al_treatment& treatment = flow.verdict.treatment;
  const std::uint8_t codec = flow.decoded->codec_of_sound();
  if (codec == treatment.codec) return;
  treatment.codec = codec;
  treatments_.treat(key.flow, key.point, key.tunnelled, treatment);
}

void Formats::advance(EventTime now) {
  if (now < aged_ + kAgeEvery) return;
  aged_ = now;
  forget_idle(now);
  if (now < relieved_ + kRelieveEvery) return;
  relieved_ = now;
  relieve_table(now);
}

void Formats::forget_idle(EventTime now) {
  for (auto each = flows_.begin(); each != flows_.end();) {
    Flow& flow = each->second;
    if (flow.decoded != nullptr && flow.decoded->waiting()) flow.decoded->advance(now);
    if (now < flow.last_seen + flow_timeout_ns_) {
      ++each;
      continue;
    }
    each = forget(each);
  }
}

// Flows without sound make room where the table fills up.
void Formats::relieve_table(EventTime now) {
  totals_.flows_relieved += relieve_map(
      flows_, max_flows_,
      [&](const FlowMap::value_type& entry, DispensableFlow& flow) {
        if (holds_sound(entry.second.verdict.treatment) || entry.second.last_seen + kDispensableIdle > now)
          return false;
        const auto sender = senders_.find(sender_of(entry.first));
        flow.held = sender == senders_.end() ? nullptr : &sender->second;
        flow.last_seen = entry.second.last_seen;
        return true;
      },
      [this](FlowMap::iterator flow) { forget(flow); });
}

}  // namespace audio_latency
