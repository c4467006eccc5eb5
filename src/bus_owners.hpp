// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus_message.hpp"

namespace audio_latency {

// Who is alive, and which of them a signature belongs to: rendezvous hashing (Thaler and Ravishankar, "Using name-based
// mappings to increase hit rates", 1998) over at most `most_owners` live members, the same ones on every node that
// hears the same heartbeats. Times are any steady clock's, ns. One thread.
class BusOwners {
 public:
  static constexpr EventTime kHeartbeat = 1'000'000'000;
  static constexpr EventTime kDead = 3'000'000'000;

  struct Member {
    BusMember id = 0;
    std::string node;
    EventTime heard = 0;
    std::uint32_t load = 0;    // as it last announced
    std::uint32_t owners = 0;  // and so
  };

  BusOwners(BusMember self, std::size_t most_owners);

  // True: the owners have changed; the ones before are in `previous()`.
  bool heard(BusMember id, const BusHeartbeat& heartbeat, EventTime now);
  bool left(BusMember id);
  bool expire(EventTime now);
  bool forget_all();  // the bus is gone: everything is this node's
  bool spread(std::size_t most_owners);

  BusMember owner(std::uint64_t signature) const { return best(owners_, signature); }
  BusMember previous_owner(std::uint64_t signature) const { return best(previous_, signature); }
  bool owns(std::uint64_t signature) const { return owner(signature) == self_; }

  bool is_owner() const;  // of anything

  BusMember self() const { return self_; }
  const std::vector<BusMember>& owners() const { return owners_; }
  const std::vector<BusMember>& previous() const { return previous_; }
  const std::vector<Member>& others() const { return others_; }
  const Member* lowest_other() const { return others_.empty() ? nullptr : &others_.front(); }
  bool is_heard(BusMember other) const;
  // Has to announce itself: it owns, or would if an owner or two went. The others stay silent, so that heartbeats do
  // not grow with the square of the nodes.
  bool candidate() const;

 private:
  static BusMember best(const std::vector<BusMember>& owners, std::uint64_t signature);
  bool elect();
  std::vector<BusMember> ranked() const;

  BusMember self_;
  std::size_t most_owners_;
  std::vector<Member> others_;  // by id
  std::vector<BusMember> owners_;
  std::vector<BusMember> previous_;
};

}  // namespace audio_latency
