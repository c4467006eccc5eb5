// SPDX-License-Identifier: Apache-2.0
#include "matcher.hpp"

#include <algorithm>

#include "matcher_state.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kRecentEviction = 60 * kSecond;
constexpr std::size_t kCoverageSources = 20'000;
constexpr std::size_t kAgedAtOnce = 16'384;  // flows that no further one makes room for
constexpr int kExpiredAtOnce = 16'384;  // signatures that no further one makes room for: some two milliseconds' work

// A signature must not outlive the flows that its hops name.
matching::FlowLimits flow_limits(const Options& options, const matching::Rules& rules) {
  const EventTime least = rules.signature_ttl + kSecond;
  return {std::max(options.max_flows, 1U), std::max(rules.flow_timeout, least), least};
}

matching::LinkRules link_rules(const Options& options, const matching::Rules& rules) {
  return {options.min_matches, rules.flow_timeout, options.max_flows * 4};
}

}  // namespace

matching::Rules matching::Rules::of(const Options& options) {
  Rules rules;
  rules.maximum_latency = options.max_latency_ms * kMillisecond;
  rules.hop_window = options.hop_window_ms * kMillisecond;
  rules.settle = options.settle_ms * kMillisecond;
  rules.signature_ttl = options.signature_ttl_seconds * kSecond;
  rules.flow_timeout = options.flow_timeout_ms * kMillisecond;
  rules.maximum_signatures = std::max(options.max_active_signatures, 10U);
  rules.minimum_matches = options.min_matches;
  rules.match_unseen = options.match_unseen;
  return rules;
}

const char* to_string(Collision reason) {
  constexpr const char* names[] = {"repeat", "origins", "loop_entered"};
  return reason < Collision::count ? names[static_cast<std::size_t>(reason)] : "unknown";
}

const char* to_string(MatcherError error) {
  constexpr const char* names[] = {
      "negative_latency", "trail_overflow", "signature_evicted", "signature_quota", "flow_table_full",
      "flow_quota",       "late",           "link_table_full",   "link_quota"};
  return error < MatcherError::count ? names[static_cast<std::size_t>(error)] : "unknown";
}

Matcher::State::State(const Options& options, MatchSink& sink)
    : rules_(matching::Rules::of(options)),
      sink_(sink),
      flows_(flow_limits(options, rules_), hash_),
      signatures_(rules_.maximum_signatures, hash_),
      links_(link_rules(options, rules_), hash_),
      coverage_(kCoverageSources) {}

void Matcher::State::advance(EventTime now) {
  place_waiting();
  step_to(std::max(now_, now));
  expire(kExpiredAtOnce);
}

// At most `steps` of those that are over: never a pause.
void Matcher::State::expire(int steps) {
  const EventTime expired_before = now_ - std::min(now_, rules_.signature_ttl);
  std::uint32_t gone = matching::kNone;
  for (int step = 0; step < steps && signatures_.expire_step(expired_before, gone); ++step) {
    signatures_.prefetch_oldest();
    if (gone != matching::kNone) flows_.drop_signature(gone);
  }
}

void Matcher::State::step_to(EventTime now) {
  if (!started_) {
    started_ = true;
    start_ = now;
  }
  now_ = now;
  settle_until(now_);
  if (now_ >= maintained_ + kSecond) maintain(now_);
}

void Matcher::State::finish() {
  place_waiting();
  while (!due_.empty()) settle_until(due_.back().time);
  form_links(now_, true);
}

void Matcher::State::maintain(EventTime now) {
  maintained_ = now;
  form_links(now, false);
  links_.age(now);
  flows_.age(now, kAgedAtOnce);
  flows_.relieve_table(now);
  forget_links();
}

MatcherStats Matcher::State::stats() const {
  MatcherStats stats = stats_;
  stats.steps += links_.steps();
  stats.active_signatures = signatures_.size();
  stats.active_flows = flows_.size();
  stats.relieved_flows = flows_.relieved();
  stats.active_links = links_.formed();
  stats.evicting_young = evicted_young_ != 0 && evicted_young_ + kRecentEviction > now_;
  return stats;
}

std::vector<LinkView> Matcher::State::links() const {
  std::vector<LinkView> views;
  links_.each([&](const matching::Link& link) {
    if (!link.formed || link.matches == 0) return;
    const matching::FlowRecord& earlier = flows_[link.earlier];
    const matching::FlowRecord& later = flows_[link.later];
    LinkView view{earlier.key, later.key, earlier.sender, flows_.receiver(link.later)};
    view.later.destination = flows_.receiver_address(link.later);
    view.matches = link.matches;
    view.current_seconds = link.delays.current_seconds(now_);
    view.drift_ratio = link.delays.drift_ratio(now_);
    view.formed = link.formed_at;
    view.last_match = link.last_match;
    views.push_back(view);
  });
  return views;
}

Matcher::Matcher(const Options& options, MatchSink& sink) : state_(std::make_unique<State>(options, sink)) {}
Matcher::~Matcher() = default;

void Matcher::observe(const PlacedObservation& seen) {
  state_->observe(seen);
}
void Matcher::advance(EventTime now) {
  state_->advance(now);
}
void Matcher::finish() {
  state_->finish();
}
void Matcher::set_hearing(Hearing hearing) {
  state_->set_hearing(hearing);
}
void Matcher::set_clock_uncertainty(std::uint32_t node, std::uint64_t uncertainty_ns) {
  state_->set_clock_uncertainty(node, uncertainty_ns);
}
bool Matcher::is_behind(const FlowKey& flow, std::uint32_t node) const {
  return state_->is_behind(flow, node);
}
MatcherStats Matcher::stats() const {
  return state_->stats();
}
std::vector<LinkView> Matcher::links() const {
  return state_->links();
}
std::vector<CoverageView> Matcher::coverage() const {
  return state_->coverage();
}
std::size_t Matcher::table_bytes() const {
  return state_->table_bytes();
}

}  // namespace audio_latency
