// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "bus_clock.hpp"
#include "bus_flows.hpp"
#include "bus_names.hpp"
#include "bus_transport.hpp"

namespace audio_latency {

struct BusInboxStats {
  std::uint64_t received = 0;   // observations to be recorded here
  std::uint64_t learned = 0;    // that only inform
  std::uint64_t misrouted = 0;  // received, though by this node's view another owns them: views differ for a moment
  std::uint64_t duplicates = 0;
  std::uint64_t lost = 0;          // gaps in a sender's count
  std::uint64_t unknown_flow = 0;  // its definition was lost; it is asked for
  std::uint64_t late = 0;          // too old to be recorded here: by now another may
  std::uint64_t out_of_time = 0;   // a clock is wrong, or the time further from now than MAX_LATENCY allows
  std::uint64_t no_clock = 0;      // the sender's clock could not be measured, or not soon enough
  std::uint64_t definitions_refused = 0;
};

// What the clock of a member that sends is like.
struct BusPeerClock {
  BusMember member = 0;
  std::uint32_t number = 0;  // CapturePoint::node of what it saw
  std::string node;
  bool measured = false;
  std::int64_t offset_ns = 0;        // its time of day - this node's
  std::uint64_t uncertainty_ns = 0;  // of its times, as they are taken over here
  bool refused = false;              // and so wrong that its observations of the last seconds were not taken
};

// An observation may be recorded for so long after its time. Less than what it takes to find a member dead: whoever
// stood still does not record what others have taken over.
constexpr EventTime kBusLate = 2'500'000'000;

// Batches of other members become observations of this node's event time. None is handed on before the clock that its
// time is from has been measured: until then it waits. Bounded. Loop thread only.
class BusInbox {
 public:
  struct Settings {
    bool correct_clocks = false;
    EventTime maximum_latency = 0;  // ns
    std::size_t most_flows = 0;     // defined by all peers together
  };
  struct Clock {
    EventTime now = 0;           // event time
    std::int64_t offset_ns = 0;  // time of day - event time
    std::uint64_t uncertainty_ns = 0;
  };
  struct Handlers {
    std::function<void(const PlacedObservation&)> take;
    // How far the times of a node (CapturePoint::node) may be off that are handed on after this.
    std::function<void(std::uint32_t node, std::uint64_t uncertainty_ns)> tell_uncertainty;
    // Does another node see the flow's packets before this one (CapturePoint::node)?
    std::function<bool(const FlowKey& flow, std::uint32_t node)> is_behind;
  };
  // What a batch asks for besides being taken.
  struct Answer {
    bool define_again = false;       // of this node's definitions
    bool lacks_definitions = false;  // of the sender's
    // The sender's flows whose packets another node sees first; it has to know when it hears nobody.
    std::vector<std::uint32_t> behind;
    bool news = false;  // some of them for the first time
  };

  BusInbox(const Settings& settings, BusNames& names, Handlers handlers);

  Answer take(BusMember from, const BusBatch& batch, EventTime received, const Clock& clock);
  void release(const Clock& clock);  // what need not wait any more
  void count_misrouted() { ++stats_.misrouted; }
  void age(EventTime now);  // forgets members that have been silent for a minute

  // Calls `each(member, pace)` for the senders whose clocks are to be measured.
  template <class Each>
  void each_to_measure(EventTime now, Each each) const {
    for (const auto& [member, peer] : peers_) {
      if (peer.records + kListening < now) continue;
      each(member, !peer.clock.is_known(now)  ? BusPace::at_once
                   : !peer.clock.is_good(now) ? BusPace::soon
                                              : BusPace::once_in_a_while);
    }
  }

  const BusInboxStats& stats() const { return stats_; }
  std::vector<BusPeerClock> clocks(const Clock& clock) const;

 private:
  static constexpr EventTime kListening = 5'000'000'000;
  struct Flow {
    BusView view;
    BusNames::End sender, receiver;
    EventTime looked = 0;  // whether another node sees it first
    EventTime told = 0;    // that one does
  };
  struct Peer {
    std::uint32_t number = 0;
    std::string node;
    std::unordered_map<std::uint32_t, Flow> flows;
    std::unordered_map<std::uint32_t, BusNames::End> endpoints;
    std::uint64_t stream = 0;
    std::uint64_t expected = 0;  // number of its next observation; 0: the first tells
    BusClock clock;
    std::optional<BusClock::Estimate> estimate;  // the last one, to be shown
    std::uint32_t clock_set = 0;
    std::uint64_t told_uncertainty_ns = 0;
    std::vector<BusRecord> waiting;  // for its clock to be known
    EventTime waiting_since = 0;
    std::vector<std::uint32_t> behind;  // Answer::behind of the next
    bool news = false;
    EventTime heard = 0;
    EventTime records = 0;  // when it last sent observations
    EventTime asked = 0;
    EventTime refused = 0;
  };

  Peer* peer_of(BusMember from);
  void touch_names(EventTime now);
  std::uint32_t number_of(const std::string& node);
  void restart(Peer& peer, std::uint64_t stream);
  void define(Peer& peer, const BusBatch& batch, EventTime now);
  std::size_t sequence(Peer& peer, const BusBatch& batch);
  void hold(Peer& peer, std::span<const BusRecord> records, EventTime now);
  void give_up_waiting(Peer& peer);
  void take_waiting(Peer& peer, const Clock& clock);
  bool is_too_far(const BusClock::Estimate& estimate, const Clock& clock) const;
  bool take_records(Peer& peer, std::span<const BusRecord> records, const Clock& clock);
  bool take_record(Peer& peer, const BusRecord& record, const Clock& clock, std::int64_t correction);
  void look_behind(Peer& peer, std::uint32_t number, Flow& flow, EventTime now);
  std::uint64_t uncertainty_of(const Peer& peer, const BusClock::Estimate& estimate, const Clock& clock) const;

  Settings settings_;
  BusNames& names_;
  Handlers handlers_;
  std::unordered_map<BusMember, Peer> peers_;
  std::unordered_map<std::string, std::uint32_t> numbers_;  // by node: the same after a restart of its daemon
  std::size_t flows_ = 0;
  std::size_t waiting_ = 0;  // observations of all peers
  EventTime touched_ = 0;
  BusInboxStats stats_;
};

}  // namespace audio_latency
