// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "matcher_flows.hpp"
#include "matcher_links.hpp"
#include "matcher_signatures.hpp"

namespace audio_latency::matching {

constexpr std::size_t kMaximumHops = 16;  // of a trail (matching.md)

// Is the hop of this flow, and not of one that had its place before? Sixteen generations may pass while a tone keeps a
// hop alive, but none departs before its flow was first seen.
inline bool is_of(const Hop& hop, const FlowRecord& flow) {
  return flow.used && flow.generation == hop.generation && hop.departure() >= flow.first_seen;
}

// The hops of one occurrence of a signature in time order, and which of them led to which.
class Trail {
 public:
  // No initialisers: a trail has room for sixteen and mostly two.
  struct Step {
    Hop* hop;
    std::uint32_t flow;
    int predecessor;  // index of the step whose receiver sent this one on; -1: none
    EventTime departure;
    EventTime arrival;
    ComponentId sender;
    ComponentId receiver;
    bool follows_origin;  // addresses are all alike: connected to the first step, by nothing finer
  };

  Trail(SignatureTable& signatures, std::uint32_t signature, const FlowTable& flows, LinkTable& links);

  std::size_t size() const { return size_; }
  Step& operator[](std::size_t i) { return steps_[i]; }
  const Step& operator[](std::size_t i) const { return steps_[i]; }

  bool is_root(std::size_t i) const { return steps_[i].predecessor < 0; }
  std::size_t root_of(std::size_t i) const;
  // Other packets of a flow between the root and step i carried this signature too.
  bool repeated_up_to(std::size_t i) const;
  // Two flows of one socket: the same sound at the same time, neither made of the other.
  bool siblings(std::size_t i, std::size_t j) const;
  // The step's sender got this sound just after it sent it.
  bool sent_before_received(std::size_t i, EventTime within) const;
  bool sent_before_received(std::size_t sent, std::size_t received, EventTime within) const;

 private:
  void collect(SignatureTable& signatures, std::uint32_t signature);
  void connect(std::size_t i, Domain domain, LinkTable& links);
  bool runs_back(std::size_t i, Domain domain, LinkTable& links) const;
  bool follows(int later, int earlier) const;  // along predecessors; a hop follows itself
  int best_predecessor(std::size_t i, Domain domain, LinkTable& links) const;
  int best_linked(std::size_t i, Domain domain, LinkTable& links) const;

  const FlowTable& flows_;
  std::array<Step, kMaximumHops> steps_;  // NOLINT(*-member-init): up to size_
  std::size_t size_ = 0;
};

}  // namespace audio_latency::matching
