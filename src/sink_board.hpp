// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "matcher.hpp"
#include "sink_flows.hpp"
#include "sink_json.hpp"

namespace audio_latency {

// A formed link with what only the loop thread can tell about it.
struct NamedLink {
  LinkView link;
  EndpointLabel source;
  EndpointLabel dest;
  std::int64_t formed_ns = 0;  // realtime
  std::int64_t last_match_ns = 0;
};
std::string link_json(const NamedLink& named);

// What the loop thread publishes for the HTTP threads. The loop thread writes once a second; any thread reads.
class Board {
 public:
  static constexpr std::size_t kRecentMatches = 4096;

  // Empty: ready.
  void set_not_ready_reason(std::string reason);
  std::string not_ready_reason() const;

  // What is not done though it is ready, and why; empty: nothing.
  void set_limits(std::string limits);
  std::string limits() const;

  void set_links(std::vector<NamedLink> links);
  std::shared_ptr<const std::vector<NamedLink>> links() const;

  void set_flows(std::vector<NamedFlow> flows);
  std::shared_ptr<const std::vector<NamedFlow>> flows() const;

  // Oldest first; keeps the last kRecentMatches.
  void add_matches(std::vector<NamedMatch> matches);
  std::vector<NamedMatch> matches() const;

 private:
  mutable std::mutex mutex_;
  std::string not_ready_reason_ = "starting";
  std::string limits_;
  std::shared_ptr<const std::vector<NamedLink>> links_ = std::make_shared<const std::vector<NamedLink>>();
  std::shared_ptr<const std::vector<NamedFlow>> flows_ = std::make_shared<const std::vector<NamedFlow>>();
  std::deque<NamedMatch> matches_;
};

// Collects the matches between two publications; keeps the newest kRecentMatches. Loop thread only.
class RecentMatches : public MatchSink {
 public:
  void on_match(const Match& match) override;
  void publish(Board& board, const IdentityResolver& resolver, const WallClock& clock);

 private:
  std::vector<Match> pending_;  // a ring once it is full
  std::size_t next_ = 0;
};

}  // namespace audio_latency
