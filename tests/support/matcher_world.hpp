// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "matcher.hpp"

namespace audio_latency::testing {

constexpr double kStart = 100;  // s: when the tracker started; flows that begin at 102 s or later were not running

// What a test says of one sighting beyond who, when and what.
struct Sighting {
  std::uint32_t packet = 0;  // RTP sequence number; 0: derived from the time
  std::uint32_t interface = 1;
  std::uint8_t ttl = 64;
  std::uint16_t ip_id = 0;  // 0: derived from the packet
  Domain domain = Domain::verbatim;
};

// A matcher, what it recorded, and names for addresses ("a:1" is 10.0.0.x:1; "lo:1" has no component).
class World : public MatchSink {
 public:
  explicit World(Options options = {}) : matcher(options, *this) { matcher.advance(at(kStart)); }

  static EventTime at(double seconds) { return static_cast<EventTime>(std::llround(seconds * 1e9)); }

  PlacedObservation placed(std::uint64_t signature, const std::string& from, const std::string& to, double seconds,
                           const Sighting& how = {}) {
    PlacedObservation seen;
    Observation& o = seen.observation;
    o.time = at(seconds);
    o.signature = signature;
    o.domain = how.domain;
    o.flow = {address(from), address(to), 17};
    o.point = {0, how.interface, AL_INGRESS};
    o.packet.kind = AL_IDENTITY_RTP;
    o.packet.rtp_sequence = static_cast<std::uint16_t>(how.packet ? how.packet : std::llround(seconds * 1000));
    o.packet.rtp_timestamp = o.packet.rtp_sequence * 160U;
    o.packet.ip_id_or_label = how.ip_id ? how.ip_id : o.packet.rtp_sequence;
    o.ttl = how.ttl;
    seen.sender.component = component(from);
    seen.receiver.component = component(to);
    return seen;
  }

  void hear(std::uint64_t signature, const std::string& from, const std::string& to, double seconds,
            const Sighting& how = {}) {
    matcher.observe(placed(signature, from, to, seconds, how));
  }

  // Sound: a new signature each 32 ms for `seconds`, on each of the flows at its own delay, in time order.
  struct Leg {
    std::string from, to;
    double delay = 0;
  };
  void speak(std::uint64_t seed, double start, double seconds, const std::vector<Leg>& legs) {
    std::multimap<double, std::function<void()>> events;
    for (int i = 0; i * 0.032 < seconds; ++i) {
      for (const Leg& leg : legs) {
        const double when = start + i * 0.032 + leg.delay;
        events.emplace(when,
                       [=, this] { hear(seed * 1'000'003 + static_cast<std::uint64_t>(i), leg.from, leg.to, when); });
      }
    }
    for (auto& [when, event] : events) event();
  }

  void settle() { matcher.finish(); }
  MatcherStats stats() {
    matcher.advance(0);
    return matcher.stats();
  }
  void on_match(const Match& match) override { matches.push_back(match); }

  // Recorded latencies in ms, of one kind, from and to ("" is any).
  std::vector<double> latencies(MatchKind kind, const std::string& from = "", const std::string& to = "") {
    std::vector<double> found;
    for (const Match& match : matches) {
      const bool wanted = match.kind == kind && (from.empty() || match.source == address(from)) &&
                          (to.empty() || match.dest == address(to));
      if (wanted) found.push_back(static_cast<double>(match.latency_ns) * 1e-6);
    }
    return found;
  }
  std::uint64_t collisions(Collision reason) { return stats().collisions[static_cast<std::size_t>(reason)]; }
  std::uint64_t errors(MatcherError error) { return stats().errors[static_cast<std::size_t>(error)]; }

  std::vector<Match> matches;
  Matcher matcher;

 private:
  static std::string host(const std::string& name) { return name.substr(0, name.find(':')); }
  SocketAddress address(const std::string& name) {
    const auto port = static_cast<std::uint16_t>(std::stoi(name.substr(name.find(':') + 1)));
    if (host(name) == "lo") return {IpAddress::from_ipv4(0x7f000001), port};
    const auto number = hosts_.try_emplace(host(name), static_cast<std::uint32_t>(hosts_.size() + 1)).first->second;
    return {IpAddress::from_ipv4(0x0a000000 + number), port};
  }
  ComponentId component(const std::string& name) {
    return host(name) == "lo" ? 0 : std::hash<std::string>{}(host(name)) | 1;
  }

  std::map<std::string, std::uint32_t> hosts_;
};

}  // namespace audio_latency::testing
