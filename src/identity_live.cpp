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

bool LiveIdentity::Before::is_of(const Observation& seen, const IdentitySnapshot* now) const {
  return seen.time == time && snapshot == now && seen.flow == flow && seen.point == point &&
         seen.tunnelled == tunnelled;
}

PlacedObservation LiveIdentity::place_anew(const Observation& observation, const IdentitySnapshot& snapshot) {
  PlacedObservation placed = names_.place(observation);
  const PlacingWishes wishes = place_by_snapshot(snapshot, placed);
  if (wishes.sockets) refresher_->request_scan();
  if (wishes.translation) refresher_->request_translation(translation_key(observation.flow), wishes.translation_soon);
  before_ = {observation.time, observation.flow, observation.point, observation.tunnelled,
             &snapshot,        placed.sender,    placed.receiver,   placed.spoofed};
  return placed;
}

PlacedObservation LiveIdentity::place(const Observation& observation) {
  const IdentitySnapshot* snapshot = refresher_ ? refresher_->current() : nullptr;
  if (snapshot == nullptr) return names_.place(observation);
  PlacedObservation placed = before_.is_of(observation, snapshot)
                                 ? PlacedObservation{observation, before_.sender, before_.receiver, before_.spoofed}
                                 : place_anew(observation, *snapshot);
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
