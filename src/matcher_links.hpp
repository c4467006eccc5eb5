// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "audio_latency/match.hpp"
#include "audio_latency/options.hpp"
#include "matcher_index.hpp"
#include "matcher_pool.hpp"

namespace audio_latency::matching {

// A match of one signature on two flows, before it is known whether their link stands.
struct Vote {
  EventTime origin_time = 0;  // departure of the trail's first hop
  EventTime earlier_time = 0;
  EventTime later_time = 0;
  std::int64_t latency_ns = 0;
  std::int64_t stage_ns = -1;  // from the predecessor's arrival; -1: the earlier hop is not the predecessor
  std::uint64_t signature = 0;
  FlowRef origin_flow;
  std::int64_t uncertainty_ns = 0;        // of the clocks of the nodes that saw the two hops depart
  std::int64_t stage_uncertainty_ns = 0;  // of those that saw the earlier arrive and the later depart
  bool counts = false;                    // the first recorded latency of this signature
  bool learned = false;                   // recorded by another node
  Domain domain = Domain::verbatim;
};

// Votes in the order they came. Taking the first costs the same however many there are.
class HeldVotes {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return votes_.size() - gone_; }
  const Vote& front() const { return votes_[gone_]; }
  const Vote& back() const { return votes_.back(); }
  auto begin() const { return votes_.begin() + static_cast<std::ptrdiff_t>(gone_); }
  auto end() const { return votes_.end(); }
  void push_back(const Vote& vote) { votes_.push_back(vote); }
  void pop_front() {
    if (++gone_ > votes_.size() / 2) clear_gone();
  }
  template <class Drop>
  std::size_t erase_if(Drop drop) {
    clear_gone();
    return std::erase_if(votes_, drop);
  }

 private:
  void clear_gone() {
    votes_.erase(votes_.begin(), votes_.begin() + static_cast<std::ptrdiff_t>(gone_));
    gone_ = 0;
  }

  std::vector<Vote> votes_;
  std::size_t gone_ = 0;  // from the front
};

struct LinkRules {
  std::size_t minimum_matches = 3;
  EventTime timeout = 0;
  std::uint32_t maximum = 40'000;
};

// Delays of one link: the median of the last 10 s, the slope of the last 60 s.
class DelayHistory {
 public:
  void add(EventTime time, std::int64_t delay_ns);
  double current_seconds(EventTime now) const;
  double usual_seconds() const { return usual_; }  // as current_seconds() was less than a second ago
  double drift_ratio(EventTime now) const;

 private:
  struct Sample {
    EventTime time = 0;
    float delay_seconds = 0;
  };
  std::vector<Sample> recent_;   // at most one each 150 ms
  std::vector<Sample> seconds_;  // first of each second
  static constexpr std::size_t kSamples = 64;
  static void keep(std::vector<Sample>& ring, std::uint8_t& next, const Sample& sample);

  EventTime newest_recent_ = 0;
  EventTime newest_second_ = 0;
  double usual_ = 0;
  std::uint8_t next_recent_ = 0;
  std::uint8_t next_second_ = 0;
};

// How often matches come now: their number, each worth half of itself after two seconds.
class Pace {
 public:
  void add(EventTime time);
  double at(EventTime time) const;

 private:
  EventTime time_ = 0;
  double matches_ = 0;
};

// A pair of flows that the same sound passes, in this order.
struct Link {
  std::uint32_t earlier = kNone;
  std::uint32_t later = kNone;
  std::uint32_t owner = kNone;  // whose share of the table it takes
  Domain domain = Domain::verbatim;
  bool used = false;
  bool formed = false;
  bool connected = true;  // by causality; false: an unseen middle lies between (MATCH_UNSEEN)
  EventTime formed_at = 0;
  EventTime last_match = 0;
  EventTime spoke_at = 0;  // the last match that was recorded
  Pace pace;
  std::uint64_t matches = 0;           // recorded; another domain may record for these two flows
  std::uint32_t votes = 0;             // signatures that passed both flows in this order, believed or not
  std::uint64_t later_signatures = 0;  // of the later flow in this domain when the first vote came
  EventTime agreed_at = 0;             // the held votes agree: they wait for the origin's history, or a finer domain
  HeldVotes held;                      // until formed
  std::int64_t held_delay_ns = 0;      // median of the held votes when `weighed` of them agreed
  std::size_t weighed = 0;             // 0: they do not agree
  DelayHistory delays;
  // Neighbours in the chains of the links of either flow.
  struct Neighbours {
    std::uint32_t before = kNone;
    std::uint32_t after = kNone;
  };
  std::array<Neighbours, 2> of_flow;  // the earlier's, the later's
};

// Links by flow pair and domain. Bounded, and for each owner; those without a match for the timeout go.
class LinkTable {
 public:
  LinkTable(const LinkRules& rules, const KeyedHash& hash);

  Link* find(std::uint32_t earlier, std::uint32_t later, Domain domain);
  const Link* find(std::uint32_t earlier, std::uint32_t later, Domain domain) const;
  enum class Refusal : std::uint8_t { none, full, quota };
  // nullptr with a reason in `refusal` where the table or the owner's tenth of it is full. `owner`: of the later flow;
  // kNone is exempt.
  Link* find_or_add(std::uint32_t earlier, std::uint32_t later, Domain domain, std::uint32_t owner, Refusal& refusal);
  // Adds a vote to a link that is not formed yet. True: the held votes agree, and only those that do are kept.
  bool vote(Link& link, const Vote& vote, EventTime window);
  // Does another domain record for these two flows at `time`? The one that recorded last, at first the one that formed
  // first, as long as it matches and another does not match far more often.
  bool spoken_for(const Link& link, EventTime time) const;
  // Does a finer domain have votes that may yet form a link between these two flows?
  bool finer_pending(const Link& link, EventTime since) const;
  void age(EventTime now);
  void forget_flow(std::uint32_t flow);  // removes its links

  std::size_t formed() const;  // those that record
  // Votes weighed and links removed because of a single observation, in all.
  std::uint64_t steps() const { return steps_; }
  template <class Visit>
  void each(Visit visit) {
    for (std::uint32_t i = 0; i < links_.size(); ++i) {
      if (links_[i].used) visit(links_[i]);
    }
  }
  template <class Visit>
  void each(Visit visit) const {
    for (std::uint32_t i = 0; i < links_.size(); ++i) {
      if (links_[i].used) visit(links_[i]);
    }
  }

 private:
  static std::uint64_t pair_of(std::uint32_t earlier, std::uint32_t later);
  std::uint64_t hash_of(std::uint32_t index) const;
  std::uint32_t find_index(std::uint32_t earlier, std::uint32_t later, Domain domain) const;
  void remove(std::uint32_t index);
  void chain(std::uint32_t index, std::size_t end);
  void unchain(std::uint32_t index, std::size_t end);
  bool weigh(Link& link);

  LinkRules rules_;
  const KeyedHash& hash_;
  IndexTable index_;
  Pool<Link> links_;
  std::vector<std::uint32_t> free_;
  std::array<std::vector<std::uint32_t>, 2> first_of_flow_;  // link in which it is the earlier, the later; by flow
  std::vector<std::uint32_t> of_owner_;                      // how many links each has
  std::uint32_t live_ = 0;
  std::uint64_t steps_ = 0;
  std::array<std::uint32_t, AL_DOMAIN_PAYLOAD + 1> by_domain_{};
};

// max(10 %, 20 ms) of a median delay: how far delays may lie apart and still agree (matching.md).
std::int64_t agreement_ns(std::int64_t median_ns);

}  // namespace audio_latency::matching
