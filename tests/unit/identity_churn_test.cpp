// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <queue>
#include <random>

#include "identity_place.hpp"
#include "identity_pods.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kMinute = 60'000 * kMillisecond;
constexpr EventTime kReuseGap = 50 * kMillisecond;  // between a pod's end and the next one with its address

// A node that creates and deletes 200 pods a second and hands their addresses on. The API server tells of it up to
// 500 ms late, netlink up to 40 ms; every pod talks all the time.
class ChurningNode {
 public:
  struct Pod {
    std::string uid;
    IpAddress ip;
    std::uint32_t interface = 0;
    EventTime ends = 0;
  };

  explicit ChurningNode(PodDirectory& directory) : directory_(directory) {
    for (std::uint32_t i = 0; i < 400; ++i) free_.push_back({0, IpAddress::from_ipv4(0x0a000001 + i)});
  }

  // Up to `now`: what happened, and what was heard of it.
  void advance(EventTime now) {
    end_pods(now);
    start_pods(now);
    for (; !news_.empty() && news_.begin()->first <= now; news_.erase(news_.begin()))
      news_.begin()->second(news_.begin()->first);
    if (interfaces_changed_ != 0) tell_interfaces(now);
    interfaces_changed_ = 0;
  }
  const std::deque<Pod>& pods() const { return pods_; }
  std::uint64_t started() const { return started_; }

 private:
  void start_pods(EventTime now) {
    for (; next_start_ <= now; next_start_ += 5 * kMillisecond) {
      if (free_.empty() || free_.front().first > next_start_) continue;
      Pod pod{"uid-" + std::to_string(started_), free_.front().second, static_cast<std::uint32_t>(100 + started_),
              next_start_ + 1'200 * kMillisecond};
      free_.pop_front();
      ++started_;
      tell_api(pod, next_start_);
      at(next_start_, 40, [this, pod](EventTime heard) {
        there_[pod.interface] = pod.ip;
        interfaces_changed_ = heard;
      });
      pods_.push_back(pod);
    }
  }

  // The API server's news keep their order.
  void tell_api(const Pod& pod, EventTime start) {
    PodRecord record{pod.uid, pod.uid, "media", "node-1", "w", {pod.ip}, {}, false, false};
    api_time_ = std::max(api_time_, start + random(500));
    news_.emplace(api_time_, [this, record](EventTime heard) { directory_.upsert(record, heard); });
  }

  void end_pods(EventTime now) {
    for (; !pods_.empty() && pods_.front().ends <= now; pods_.pop_front()) {
      const Pod pod = pods_.front();
      at(pod.ends, 40, [this, pod](EventTime heard) {
        there_.erase(pod.interface);
        interfaces_changed_ = heard;
      });
      api_time_ = std::max(api_time_, pod.ends + random(500));
      news_.emplace(api_time_, [this, pod](EventTime heard) { directory_.remove(pod.uid, heard); });
      free_.push_back({pod.ends + kReuseGap, pod.ip});
    }
  }

  void tell_interfaces(EventTime heard) {
    std::vector<InterfaceAddresses> all;
    for (const auto& [interface, ip] : there_) all.push_back({interface, static_cast<std::int32_t>(interface), {ip}});
    directory_.set_interfaces(std::move(all), {1}, heard);
  }

  void at(EventTime time, std::uint32_t up_to_ms, std::function<void(EventTime)> what) {
    news_.emplace(time + random(up_to_ms), std::move(what));
  }
  EventTime random(std::uint32_t up_to_ms) { return random_() % (up_to_ms * kMillisecond); }

  PodDirectory& directory_;
  std::mt19937_64 random_{1};
  std::deque<std::pair<EventTime, IpAddress>> free_;
  std::deque<Pod> pods_;  // by start, so by end
  std::multimap<EventTime, std::function<void(EventTime)>> news_;
  std::map<std::uint32_t, IpAddress> there_;
  EventTime next_start_ = kMillisecond;
  EventTime api_time_ = 0;
  EventTime interfaces_changed_ = 0;
  std::uint64_t started_ = 0;
};

TEST(IdentityChurn, ANewOwnerNeverGetsTheOldOnesName) {
  EndpointRegistry registry;
  PodDirectory directory(registry);
  ChurningNode node(directory);
  std::uint64_t asked = 0, named = 0, wrong_senders = 0, wrong_receivers = 0, spoofed = 0;
  for (EventTime now = 0; now < kMinute; now += 20 * kMillisecond) {
    node.advance(now);
    IdentitySnapshot snapshot;
    snapshot.pods = directory.pods(now);
    snapshot.interfaces = directory.interfaces();
    registry.collect(now);
    // What the next 20 ms bring is named by this snapshot.
    const auto& pods = node.pods();
    for (std::size_t i = 0; i < pods.size(); ++i) {
      const auto& from = pods[i];
      const auto& to = pods[(i * 7 + 3) % pods.size()];
      Observation seen;
      seen.time = now;
      seen.point = {0, from.interface, AL_INGRESS};
      seen.flow = {{from.ip, 4000}, {to.ip, 5004}, 17};
      PlacedObservation placed{seen, {}, {}, false};
      place_by_snapshot(snapshot, placed);
      const Endpoint* sender = registry.find(placed.sender.endpoint);
      const Endpoint* receiver = registry.find(placed.receiver.endpoint);
      ++asked;
      named += sender != nullptr ? 1 : 0;
      spoofed += placed.spoofed ? 1 : 0;
      wrong_senders += sender != nullptr && sender->name != from.uid ? 1 : 0;
      wrong_receivers += receiver != nullptr && receiver->name != to.uid ? 1 : 0;
    }
  }
  EXPECT_GT(node.started(), 11'000U);
  EXPECT_EQ(wrong_senders, 0U);
  EXPECT_EQ(wrong_receivers, 0U);
  EXPECT_EQ(spoofed, 0U);
  EXPECT_GT(named * 100, asked * 50) << named << " of " << asked << ": news are 250 ms late in a life of 1,200";
  EXPECT_LT(registry.size(), 13'500U) << "a minute's worth of names, then they are recycled";
}

}  // namespace
}  // namespace audio_latency
