// SPDX-License-Identifier: Apache-2.0
// Observations chosen to cost the matcher as much as they can: what tests and benchmarks of its cost send.
#pragma once

#include <array>
#include <cstdint>

#include "audio_latency/endpoint.hpp"
#include "audio_latency/options.hpp"

namespace audio_latency::testing {

struct Hostile {
  const char* name;
  PlacedObservation (*next)(std::uint64_t i);
  bool match_unseen = false;
};

namespace hostile {

constexpr EventTime kBegin = 1'000'000'000'000;

// Host `from` to host `to`; each host is a component. The observations are `step` ns apart.
inline PlacedObservation heard(std::uint64_t i, EventTime step, std::uint64_t signature, std::uint32_t from,
                               std::uint32_t to) {
  PlacedObservation seen;
  Observation& o = seen.observation;
  o.time = kBegin + i * step;
  o.signature = (signature + 1) * 0x9e3779b97f4a7c15;
  o.flow.source = {IpAddress::from_ipv4(0x0a000000 + from), 4000};
  o.flow.destination = {IpAddress::from_ipv4(0x0a000000 + to), 4002};
  o.flow.protocol = 17;
  o.point = {0, 2, AL_INGRESS};
  o.packet.kind = AL_IDENTITY_RTP;
  o.packet.rtp_timestamp = static_cast<std::uint32_t>(i);
  o.ttl = 64;
  seen.sender.component = from + 1;
  seen.receiver.component = to + 1;
  return seen;
}

inline PlacedObservation repeated(std::uint64_t i) {
  return heard(i, 20'000, 1, 1, 2);
}
// One packet again and again, at two capture points in turn: each sighting lets its trail be looked at once more.
inline PlacedObservation seen_again(std::uint64_t i) {
  PlacedObservation seen = heard(i, 20'000, i / 16 % 1000, 1, 2);
  seen.observation.packet.rtp_timestamp = 0;
  seen.observation.point.interface = 2 + static_cast<std::uint32_t>(i % 2);
  return seen;
}
// Trails of sixteen hops, each by the receiver of the one before.
inline PlacedObservation many_hops(std::uint64_t i) {
  const auto hop = static_cast<std::uint32_t>(i % 16);
  return heard(i, 20'000, i / 16, hop, hop + 1);
}
// Sixteen hops that all reach one component, which sends on: each could be the predecessor.
inline PlacedObservation many_ways(std::uint64_t i) {
  const auto hop = static_cast<std::uint32_t>(i % 16);
  return heard(i, 20'000, i / 16, hop < 8 ? hop + 10 : 1, hop < 8 ? 1 : hop + 10);
}
inline PlacedObservation one_signature_on_many_flows(std::uint64_t i) {
  const auto flow = static_cast<std::uint32_t>(i % 10'000);
  return heard(i, 20'000, 1, 2 * flow, 2 * flow + 1);
}
// Each pair of a hundred flows and a hundred others meets in turn: the table of links fills up.
inline PlacedObservation many_links(std::uint64_t i) {
  const std::uint64_t pair = i / 2;
  const auto first = static_cast<std::uint32_t>(pair % 200);
  const auto second = static_cast<std::uint32_t>(pair / 200 % 200);
  return i % 2 == 0 ? heard(i, 20'000, pair, 1000 + first, 1) : heard(i, 20'000, pair, 1, 2000 + second);
}
// The votes of one link hardly agree: blocks of sound are sent on in another order.
inline PlacedObservation votes_that_disagree(std::uint64_t i) {
  constexpr std::uint64_t block = 1024;
  const std::uint64_t n = i / 2;
  if (i % 2 == 0) return heard(i, 1'000'000, block + n, 1, 2);
  return heard(i, 1'000'000, n / block * block + n * 421 % block, 2, 3);
}
// An address changes its owner with each packet, while many links stand.
inline PlacedObservation new_owners(std::uint64_t i) {
  PlacedObservation seen = many_links(i);
  if (i % 2 == 1) seen.sender.endpoint = 1 + static_cast<EndpointId>(i / 2 % 2);
  return seen;
}
// One pair of flows with an unseen middle, whose later flow has too much of its own to be believed: votes are held.
inline PlacedObservation unseen_votes(std::uint64_t i) {
  if (i % 4 == 0) return heard(i, 1'000'000, i / 4, 1, 2);
  if (i % 4 == 1) return heard(i, 1'000'000, i / 4, 3, 4);
  return heard(i, 1'000'000, 1'000'000'000 + i, 3, 4);
}
// A new flow each time, as a port scan makes them.
inline PlacedObservation new_flow(std::uint64_t i, EventTime step) {
  return heard(i, step, i, static_cast<std::uint32_t>(2 * i), static_cast<std::uint32_t>(2 * i + 1));
}
inline PlacedObservation new_flows(std::uint64_t i) {
  return new_flow(i, 500'000);
}

}  // namespace hostile

inline constexpr std::array kHostile = {
    Hostile{"repeated", hostile::repeated},
    Hostile{"seen_again", hostile::seen_again},
    Hostile{"many_hops", hostile::many_hops},
    Hostile{"many_ways", hostile::many_ways},
    Hostile{"one_signature_on_many_flows", hostile::one_signature_on_many_flows},
    Hostile{"many_links", hostile::many_links},
    Hostile{"votes_that_disagree", hostile::votes_that_disagree},
    Hostile{"new_owners", hostile::new_owners},
    Hostile{"unseen_votes", hostile::unseen_votes, true},
    Hostile{"new_flows", hostile::new_flows},
};

}  // namespace audio_latency::testing
