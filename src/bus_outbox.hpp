// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <unordered_map>

#include "bus_clock.hpp"
#include "bus_flows.hpp"
#include "bus_transport.hpp"

namespace audio_latency {

struct BusOutboxStats {
  std::uint64_t sent = 0;     // observations handed to the transport, to be recorded by their owner
  std::uint64_t learned = 0;  // and those that only inform
  std::uint64_t queue_full = 0;
  std::uint64_t owner_gone = 0;   // sent to an owner in the seconds before it was found dead
  std::uint64_t told_behind = 0;  // flows of others that another node sees first
};

// Observations on their way to other members, a batch for each. It leaves when it is full; with kEnough observations
// when the first is kDelay old. With fewer it waits, a third of SETTLE_MS for each member that observations go to, so
// that a node's messages do not grow with the owners, but two thirds at most: what it joins waits no longer. Loop
// thread only; event times are this node's CLOCK_MONOTONIC.
class BusOutbox {
 public:
  static constexpr EventTime kDelay = 20'000'000;
  static constexpr std::size_t kEnough = kBusBatchRecords / 2;

  BusOutbox(BusTransport& transport, const BusFlows& flows, std::string node, EventTime settle);

  // How event time becomes time of day, and how far that may be off.
  void set_clock(std::int64_t offset_ns, std::uint64_t uncertainty_ns);

  void add(BusMember to, const BusRecord& record, EventTime now);
  void flush(EventTime now);
  // `to` has sent a message with this token: it goes back with the next batch; in a hurry, at once.
  void answer(BusMember to, std::uint64_t token, EventTime received, bool hurry);
  // Asks for such an answer where none has been asked for lately.
  void measure(BusMember to, BusPace pace, EventTime now);
  void ask_for_definitions(BusMember to);
  void define_again(BusMember to);  // it has lost or never had them
  // Other nodes see the packets of these flows of `to` first: goes with the next batch, and soon where that is news.
  void tell_behind(BusMember to, const std::vector<std::uint32_t>& flows, bool news, EventTime now);
  void drop(BusMember gone, EventTime now);
  void age(EventTime now);  // forgets members that nothing was sent to for a minute

  const BusOutboxStats& stats() const { return stats_; }

 private:
  struct Peer {
    std::vector<std::uint32_t> known_flows;      // version by number
    std::vector<std::uint32_t> known_endpoints;  // as well
    BusBatch batch;
    std::uint64_t stream = 0;
    std::uint64_t next = 1;  // number of its next observation
    EventTime oldest = 0;    // event time of the batch's first
    EventTime used = 0;      // when an observation was added last
    EventTime sent = 0;
    EventTime asked = 0;     // for an answer
    EventTime measured = 0;  // when its clock was of interest last: it sends observations
    EventTime answered = 0;  // `received` of the message that the next batch answers
    EventTime news = 0;      // since when the next batch has news; 0: it has none
    bool wanted = false;     // to be sent even if it is empty
    bool introduced = false;
    std::array<std::uint32_t, 4> seconds{};  // live observations sent, by second
    EventTime second = 0;
  };

  void define(Peer& peer, std::uint32_t flow);
  void define_endpoint(Peer& peer, std::uint32_t number);
  void send(BusMember to, Peer& peer, EventTime now);
  EventTime long_delay(EventTime now) const;
  static void count_second(Peer& peer, EventTime now);
  Peer* peer_of(BusMember member);  // nullptr: too many

  BusTransport& transport_;
  const BusFlows& flows_;
  std::string node_;
  EventTime settle_;
  std::int64_t offset_ns_ = 0;
  std::uint64_t uncertainty_ns_ = 0;
  std::uint32_t clock_set_ = 0;  // how often
  std::uint64_t streams_ = 0;
  std::unordered_map<BusMember, Peer> peers_;
  BusOutboxStats stats_;
};

}  // namespace audio_latency
