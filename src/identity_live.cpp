// SPDX-License-Identifier: Apache-2.0
#include "identity_live.hpp"

#include "identity_place.hpp"

namespace audio_latency {

Status LiveIdentity::start(RefresherSettings settings, IdentityLog log) {
  auto refresher = IdentityRefresher::create(std::move(settings), std::move(log));
  if (!refresher) return refresher.error();
  refresher_ = std::move(*refresher);
  return success();
}

bool LiveIdentity::is_as_before(const Observation& seen) const {
  const Observation& before = last_.observation;
  return seen.time == before.time && seen.flow == before.flow && seen.point == before.point &&
         seen.tunnelled == before.tunnelled;
}

PlacedObservation LiveIdentity::place(const Observation& observation) {
  const IdentitySnapshot* snapshot = refresher_ ? refresher_->current() : nullptr;
  if (snapshot == nullptr) return names_.place(observation);
  PlacedObservation placed = last_;
  placed.observation = observation;
  if (snapshot != last_snapshot_ || !is_as_before(observation)) {
    placed = names_.place(observation);
    const PlacingWishes wishes = place_by_snapshot(*snapshot, placed);
    if (wishes.sockets) refresher_->request_scan();
    if (wishes.translation) refresher_->request_translation(translation_key(observation.flow), wishes.translation_soon);
    last_ = placed;
    last_snapshot_ = snapshot;
  }
  if (placed.spoofed) {
    // A packet with several selected windows is one packet.
    if (refused_.add(observation)) ++spoofed_[observation.point.interface];
  } else {
    placed.spoofed = refused_.has(observation);
  }
  return placed;
}

const Endpoint* LiveIdentity::endpoint(EndpointId id) const {
  if ((id & EndpointRegistry::kMark) == 0) return names_.endpoint(id);
  return refresher_ ? refresher_->registry().find(id) : nullptr;
}

}  // namespace audio_latency
