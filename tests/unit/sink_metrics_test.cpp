// SPDX-License-Identifier: Apache-2.0
#include "sink_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "capture_counters.hpp"
#include "identity_static.hpp"
#include "sink_metrics_capture.hpp"
#include "sink_metrics_formats.hpp"

namespace audio_latency {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr EventTime kSecond = 1'000'000'000;

Match match(MatchKind kind, const std::string& source, const std::string& dest, std::int64_t latency_ns) {
  Match match;
  match.kind = kind;
  match.time = kSecond;
  match.source = *SocketAddress::parse(source);
  match.dest = *SocketAddress::parse(dest);
  match.latency_ns = latency_ns;
  return match;
}

LinkView link(const char* source, const char* dest, double current, EventTime last_match) {
  LinkView view;
  view.earlier.source = *SocketAddress::parse(source);
  view.later.destination = *SocketAddress::parse(dest);
  view.current_seconds = current;
  view.drift_ratio = current / 10;
  view.last_match = last_match;
  return view;
}

class MetricsTest : public testing::Test {
 protected:
  explicit MetricsTest(std::uint32_t most = 2000) {
    options_.max_series = most;
    metrics_ = std::make_unique<Metrics>(options_, names_, registry_);
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }
  void update(EventTime now, const std::vector<LinkView>& links = {}, const std::vector<CoverageView>& coverage = {}) {
    metrics_->update(stats_, links, coverage, now);
  }

  Options options_;
  StaticResolver names_{{{*IpAddress::parse("10.0.0.9"), 128, 0, "asr", "media"}}};
  prometheus::Registry registry_;
  MatcherStats stats_;
  std::unique_ptr<Metrics> metrics_;
};

TEST_F(MetricsTest, MatchesBecomeHistograms) {
  auto named = match(MatchKind::latency, "10.0.0.1:5004", "10.0.0.9:80", 250'000'000);
  named.dest_place = {1, 1};
  metrics_->on_match(named);
  metrics_->on_match(named);
  metrics_->on_match(match(MatchKind::stage, "10.0.0.2:7", "10.0.0.2:8", 100'000'000));
  metrics_->on_match(match(MatchKind::network, "10.0.0.2:8", "[2001:db8::1]:9", 1'500'000));
  const std::string page = text();
  const std::string pair =
      R"(dest_namespace="media",dest_pod="asr",measurement="default",source_namespace="-",source_pod="10.0.0.1:5004")";
  EXPECT_THAT(page, HasSubstr("audio_latency_seconds_count{" + pair + "} 2\n"));
  EXPECT_THAT(page, HasSubstr("audio_latency_seconds_sum{" + pair + "} 0.5\n"));
  EXPECT_THAT(page, HasSubstr("audio_latency_seconds_bucket{" + pair + R"(,le="0.2"} 0)"));
  EXPECT_THAT(page, HasSubstr("audio_latency_seconds_bucket{" + pair + R"(,le="0.25"} 2)"));
  EXPECT_THAT(page, HasSubstr("audio_latency_seconds_bucket{" + pair + R"(,le="+Inf"} 2)"));
  EXPECT_THAT(
      page, HasSubstr(R"(audio_stage_latency_seconds_count{measurement="default",namespace="-",pod="10.0.0.2:7"} 1)"));
  EXPECT_THAT(page, HasSubstr(R"(dest_pod="[2001:db8::1]:9",measurement="default",source_namespace="-")"));
}

TEST_F(MetricsTest, SignaturesAreCountedBySender) {
  PlacedObservation seen;
  seen.observation.time = kSecond;
  seen.observation.flow.source = *SocketAddress::parse("10.0.0.1:1");
  for (int i = 0; i < 3; ++i) metrics_->on_placed(seen);
  seen.observation.domain = Domain::mu_law;
  metrics_->on_placed(seen);
  EXPECT_THAT(text(), HasSubstr(R"(audio_signatures_total{domain="verbatim",namespace="-",pod="10.0.0.1:1"} 3)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_signatures_total{domain="mu-law",namespace="-",pod="10.0.0.1:1"} 1)"));
  EXPECT_THAT(text(), HasSubstr(R"(signatures_detected_total{measurement="default"} 4)"));
}

TEST_F(MetricsTest, TotalsFollowTheMatcher) {
  stats_.matched = 5;
  stats_.active_signatures = 7;
  stats_.active_links = 2;
  stats_.relieved_flows = 6;
  stats_.collisions[0] = 3;
  stats_.errors[0] = 4;
  update(kSecond);
  update(2 * kSecond);
  EXPECT_THAT(text(), HasSubstr(R"(signatures_matched_total{measurement="default"} 5)"));
  EXPECT_THAT(text(), HasSubstr(R"(active_signatures{measurement="default"} 7)"));
  EXPECT_THAT(text(), HasSubstr("audio_links 2\n"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_flows_forgotten_total{table="matcher"} 6)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_signature_collisions_total{reason="repeat"} 3)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_processing_errors_total{error_type="negative_latency"} 4)"));
}

TEST_F(MetricsTest, GaugesShowTheSlowestLiveLinkAndGoWithIt) {
  const EventTime now = 100 * kSecond;
  update(now, {link("10.0.0.1:1", "10.0.0.2:2", 0.3, now), link("10.0.0.1:1", "10.0.0.2:2", 0.5, now),
               link("10.0.0.1:1", "10.0.0.2:2", 0.4, now), link("10.0.0.3:1", "10.0.0.2:2", 9, now - 11 * kSecond)});
  EXPECT_THAT(text(), HasSubstr(R"(source_pod="10.0.0.1:1"} 0.5)"));
  EXPECT_THAT(text(), HasSubstr(R"(source_pod="10.0.0.1:1"} 0.05)"));
  EXPECT_THAT(text(), Not(HasSubstr("10.0.0.3:1")));
  update(now + kSecond, {link("10.0.0.1:1", "10.0.0.2:2", 0.2, now + kSecond)});
  EXPECT_THAT(text(), HasSubstr(R"(source_pod="10.0.0.1:1"} 0.2)"));
  update(now + 2 * kSecond);
  EXPECT_THAT(text(), Not(HasSubstr("10.0.0.1:1")));
}

TEST_F(MetricsTest, CoverageCountsWhatIsNew) {
  CoverageView flow;
  flow.origin.source = *SocketAddress::parse("10.0.0.1:1");
  flow.speech_seconds = 10;
  flow.measured_seconds = 9;
  update(kSecond, {}, {flow});
  flow.speech_seconds = 12;
  update(2 * kSecond, {}, {flow});
  CoverageView other = flow;
  other.speech_seconds = 1;
  other.measured_seconds = 1;
  update(3 * kSecond, {}, {flow, other});
  update(4 * kSecond, {}, {flow, other});
  EXPECT_THAT(text(), HasSubstr(R"(audio_speech_seconds_total{namespace="-",source_pod="10.0.0.1:1"} 13)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_measured_seconds_total{namespace="-",source_pod="10.0.0.1:1"} 10)"));
}

TEST_F(MetricsTest, StaleSeriesAreRemoved) {
  metrics_->on_match(match(MatchKind::latency, "10.0.0.1:1", "10.0.0.2:2", 1));
  update(299 * kSecond);
  EXPECT_THAT(text(), HasSubstr("10.0.0.1:1"));
  update(302 * kSecond);  // FLOW_TIMEOUT_MS is 30 s
  EXPECT_THAT(text(), Not(HasSubstr("10.0.0.1:1")));
  metrics_->on_match(match(MatchKind::latency, "10.0.0.1:1", "10.0.0.2:2", 1));
  EXPECT_THAT(text(), HasSubstr("10.0.0.1:1"));
}

class FewSeries : public MetricsTest {
 protected:
  FewSeries() : MetricsTest(2) {}
};

TEST_F(FewSeries, TheRestGoesToOtherAndIsCounted) {
  for (int port = 1; port <= 10; ++port) {
    metrics_->on_match(match(MatchKind::latency, "10.0.0.1:" + std::to_string(port), "10.0.0.2:2", 1'000'000));
  }
  metrics_->on_match(match(MatchKind::latency, "10.0.0.1:1", "10.0.0.2:2", 1'000'000));
  const std::string page = text();
  EXPECT_THAT(page, HasSubstr(R"(source_pod="10.0.0.1:2"} 1)"));
  EXPECT_THAT(page, Not(HasSubstr("10.0.0.1:3\"")));
  EXPECT_THAT(page, HasSubstr(R"(audio_latency_seconds_count{dest_namespace="other",dest_pod="other",)"
                              R"(measurement="default",source_namespace="other",source_pod="other"} 8)"));
  EXPECT_THAT(page, HasSubstr(R"(audio_series_overflow_total{metric="audio_latency_seconds"} 8)"));
}

TEST(CaptureMetrics, FollowsKernelCountersByInterface) {
  prometheus::Registry registry;
  CaptureMetrics metrics(Options{}, {"node-1", "tcx"}, registry);
  LiveCaptureStats stats;
  stats.attached_interfaces = 1;
  stats.flows = 3;
  stats.relieved_flows = 4;
  stats.interfaces.push_back({"lo", "ingress", {}});
  al_counters& counters = stats.interfaces[0].counters;
  counters.packets[AL_SCANNED] = 10;
  counters.scanned_bytes = 640;
  counters.lost[AL_LOST_RING_FULL] = 2;
  counters.refused[AL_REFUSED_FEW_SYMBOLS] = 5;
  stats.programs.push_back({"al_ingress", 7, 1'500'000'000});
  const auto text = [&] { return prometheus::TextSerializer().Serialize(registry.Collect()); };
  metrics.update(stats, 1000, kSecond);
  counters.packets[AL_SCANNED] = 15;
  metrics.update(stats, 1000, 2 * kSecond);
  EXPECT_THAT(text(), HasSubstr(R"(audio_packets_total{direction="ingress",interface="lo",verdict="scanned"} 15)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_scanned_bytes_total{direction="ingress",interface="lo"} 640)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_events_lost_total{reason="ring_full"} 2)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_windows_refused_total{reason="few_symbols"} 5)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_bpf_run_seconds_total{program="al_ingress"} 1.5)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_bpf_runs_total{program="al_ingress"} 7)"));
  EXPECT_THAT(text(), HasSubstr("audio_flows 3\n"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_flows_forgotten_total{table="kernel"} 4)"));
  EXPECT_THAT(text(), HasSubstr(R"(audio_clock_uncertainty_seconds{node="node-1"} 1e-06)"));
  EXPECT_THAT(text(), HasSubstr(R"(attach_mode="tcx")"));
  metrics.update(stats, 1000, 400 * kSecond);  // silent for more than ten flow timeouts
  EXPECT_THAT(text(), Not(HasSubstr("interface=\"lo\"")));
  counters.packets[AL_SCANNED] = 16;
  metrics.update(stats, 1000, 401 * kSecond);
  EXPECT_THAT(text(), HasSubstr(R"(audio_packets_total{direction="ingress",interface="lo",verdict="scanned"} 16)"));
}

TEST(FormatMetrics, CountWhatWasLeftOut) {
  prometheus::Registry registry;
  FormatMetrics metrics(registry);
  FormatStats stats;
  stats.flows_relieved = 5;
  stats.short_flows = 6;
  stats.not_audio = 7;
  metrics.update(stats);
  const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
  EXPECT_THAT(text, HasSubstr(R"(audio_flows_forgotten_total{table="formats"} 5)"));
  EXPECT_THAT(text, HasSubstr(R"(audio_windows_refused_total{reason="short_flow"} 6)"));
  EXPECT_THAT(text, HasSubstr(R"(audio_windows_refused_total{reason="not_audio"} 7)"));
}

// A series that expired comes back when its counter moves. Of a device that is gone nothing is remembered: pods come
// and go for months.
TEST(CaptureMetrics, ForgetsDevicesThatAreGone) {
  prometheus::Registry registry;
  CaptureMetrics metrics(Options{}, {"node-1", "tcx"}, registry);
  const auto text = [&] { return prometheus::TextSerializer().Serialize(registry.Collect()); };
  LiveCaptureStats stats;
  stats.interfaces.push_back({"veth1", "ingress", {}});
  stats.interfaces[0].counters.packets[AL_SCANNED] = 10;
  metrics.update(stats, 1000, kSecond);
  metrics.update(stats, 1000, 400 * kSecond);
  metrics.update(stats, 1000, 401 * kSecond);
  EXPECT_THAT(text(), Not(HasSubstr("veth1")));
  metrics.update({}, 1000, 402 * kSecond);
  metrics.update(stats, 1000, 403 * kSecond);  // another one of that name
  EXPECT_THAT(text(), HasSubstr("veth1"));
}

}  // namespace
}  // namespace audio_latency
