// SPDX-License-Identifier: Apache-2.0
// Flows come and go, and others take their places in the tables: nothing of the old may be taken for the new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "matcher.hpp"

namespace audio_latency {
namespace {

using ::testing::AnyOf;
using ::testing::DoubleNear;

constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kBegin = 1'000'000 * kMillisecond;
constexpr std::uint32_t kHostsOfACall = 16;  // its number is in the addresses of its hosts

enum Host : std::uint8_t { caller, service, relay, listener, analytics };

std::uint32_t call_of(const SocketAddress& address) {
  const auto& bytes = address.ip.bytes;
  return (std::uint32_t{bytes[13]} << 16 | std::uint32_t{bytes[14]} << 8 | bytes[15]) / kHostsOfACall;
}
Host host_of(const SocketAddress& address) {
  return static_cast<Host>(address.ip.bytes[15] % kHostsOfACall);
}

struct Seen {
  std::uint32_t call;
  Host from, to;
  std::uint32_t interface = 1;
  std::uint8_t ttl = 64;
};

PlacedObservation sighting(const Seen& how, std::uint64_t signature, EventTime time, std::uint32_t packet) {
  PlacedObservation seen;
  Observation& o = seen.observation;
  const auto address = [&](Host host) { return 0x0a000000 + how.call * kHostsOfACall + host; };
  o.time = time;
  o.signature = signature;
  o.flow = {{IpAddress::from_ipv4(address(how.from)), 4000}, {IpAddress::from_ipv4(address(how.to)), 4002}, 17};
  o.point = {0, how.interface, AL_INGRESS};
  o.packet.kind = AL_IDENTITY_RTP;
  o.packet.stream_id = address(how.from);
  o.packet.rtp_sequence = static_cast<std::uint16_t>(packet);
  o.packet.rtp_timestamp = packet;
  o.packet.ip_id_or_label = packet;
  o.ttl = how.ttl;
  seen.sender.component = address(how.from);
  seen.receiver.component = address(how.to);
  return seen;
}

// Many calls, each of hosts of its own: caller, relay, listener, and one who listens to the listener. Some reach the
// relay through a Service, and what is seen behind the address translation ends before the call does; some callers stop
// long before the relay has sent the last of it on; all hear one prompt now and then.
class Calls {
 public:
  explicit Calls(unsigned seed) : random_(seed) {
    EventTime start = kBegin + 2000 * kMillisecond;
    for (std::uint32_t call = 0; call < kCalls; ++call) {
      start += milliseconds(100, 900);
      begin(call, start);
    }
  }

  static constexpr std::uint32_t kCalls = 300;
  std::multimap<EventTime, PlacedObservation> events;
  std::map<std::uint32_t, EventTime> delays;

 private:
  void begin(std::uint32_t call, EventTime start) {
    const EventTime delay = delays[call] = milliseconds(50, 1900);
    const bool translated = random_() % 3 == 0;
    const EventTime length = translated ? milliseconds(4000, 16'000) : milliseconds(500, 5000);
    const EventTime seen_behind = translated ? length / 4 : 0;
    for (EventTime at = 0; at < length; at += 50 * kMillisecond) {
      const auto packet = static_cast<std::uint32_t>(at / (50 * kMillisecond));
      const bool prompt = random_() % 8 == 0;
      const std::uint64_t signature = prompt ? 1 + (start + at) / (400 * kMillisecond) % 100 : random_();
      const EventTime time = start + at;
      const auto add = [&](const Seen& how, EventTime when) {
        events.emplace(when, sighting(how, signature, when, packet));
      };
      add({call, caller, translated ? service : relay}, time);
      if (at < seen_behind) add({call, caller, relay, 2, 63}, time + kMillisecond);
      add({call, relay, listener}, time + delay);
      add({call, listener, analytics}, time + delay + 20 * kMillisecond);
    }
  }
  EventTime milliseconds(std::uint64_t least, std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(least, most)(random_) * kMillisecond;
  }

  std::mt19937_64 random_;
};

struct Recorded : MatchSink {
  void on_match(const Match& match) override { matches.push_back(match); }
  std::vector<Match> matches;
};

Options small_tables() {
  Options options;
  options.max_flows = 60;
  options.max_latency_ms = 2000;
  options.signature_ttl_seconds = 3;
  options.flow_timeout_ms = 5000;
  options.max_active_signatures = 2000;
  return options;
}

void expect_links_of_one_call(const Matcher& matcher) {
  for (const LinkView& link : matcher.links()) {
    const std::uint32_t call = call_of(link.earlier.source);
    EXPECT_EQ(call_of(link.earlier.destination), call);
    EXPECT_EQ(call_of(link.later.source), call);
    EXPECT_EQ(call_of(link.later.destination), call);
    EXPECT_EQ(link.source.component, 0x0a000000 + call * kHostsOfACall + host_of(link.earlier.source));
  }
}

void expect_true(const Match& match, const Calls& calls) {
  const std::uint32_t call = call_of(match.source);
  ASSERT_EQ(call_of(match.dest), call);
  ASSERT_EQ((match.source_place.component - 0x0a000000) / kHostsOfACall, call);
  ASSERT_EQ((match.dest_place.component - 0x0a000000) / kHostsOfACall, call);
  if (match.kind != MatchKind::latency) return;
  // A millisecond less where the flow before the translation found no place, and departs where it is seen behind it.
  const auto delay = static_cast<double>(calls.delays.at(call)), ms = static_cast<double>(kMillisecond);
  const auto latency = static_cast<double>(match.latency_ns);
  ASSERT_THAT(latency, AnyOf(DoubleNear(delay, ms), DoubleNear(delay + 20 * ms, ms), DoubleNear(20 * ms, 0)));
}

class MatcherChurn : public ::testing::TestWithParam<unsigned> {};

TEST_P(MatcherChurn, NoMatchNamesAPairThatNoChainConnects) {
  Calls calls(GetParam());
  Recorded recorded;
  Matcher matcher(small_tables(), recorded);
  matcher.advance(kBegin);
  EventTime looked = 0;
  for (const auto& [time, seen] : calls.events) {
    matcher.observe(seen);
    if (time < looked + 250 * kMillisecond) continue;
    looked = time;
    matcher.advance(time);
    expect_links_of_one_call(matcher);
  }
  matcher.finish();
  std::set<std::uint32_t> measured;
  for (const Match& match : recorded.matches) {
    expect_true(match, calls);
    if (HasFatalFailure()) return;
    measured.insert(call_of(match.source));
  }
  EXPECT_GE(measured.size(), Calls::kCalls / 3);  // the table is full at times
  for (const CoverageView& account : matcher.coverage()) EXPECT_LE(account.measured_seconds, account.speech_seconds);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MatcherChurn, ::testing::Range(1U, 6U));

}  // namespace
}  // namespace audio_latency
