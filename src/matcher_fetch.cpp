// SPDX-License-Identifier: Apache-2.0
// The tables are larger than any cache, and what one observation touches lies in a dozen places that each tell where the
// next one is. So observations wait in a short queue, and trails in that of what is due, while those places are brought
// nearer one after the other.
#include "matcher_state.hpp"

namespace audio_latency {

void Matcher::State::observe(const PlacedObservation& seen) {
  ++stats_.observations;
  Waiting& waiting = waiting_[waited_++ % kWaiting];
  waiting.seen = seen;
  waiting.signature_hash = signatures_.hash(seen.observation.signature, seen.observation.domain);
  waiting.flow_hash = flows_.hash(seen.observation.flow);
  signatures_.fetch_slot(waiting.signature_hash);
  flows_.fetch_slot(waiting.flow_hash);
  fetch_ahead();
  if (waited_ - placed_ == kWaiting) place(waiting_[placed_++ % kWaiting]);
}

// Each place in the queue is a step nearer: slots ▶ records ▶ the newest hop ▶ that hop's flow.
void Matcher::State::fetch_ahead() {
  constexpr std::size_t step = kWaiting / 4;
  const std::size_t waits = waited_ - placed_;
  if (waits <= step) return;
  Waiting& far = waiting_[(waited_ - step) % kWaiting];
  far.signature = signatures_.fetch_record(far.signature_hash);
  flows_.fetch_record(far.flow_hash);
  if (waits <= 2 * step) return;
  const Waiting& near = waiting_[(waited_ - 2 * step) % kWaiting];
  if (near.signature != matching::kNone) signatures_.fetch_newest_hop(near.signature);
  if (waits <= 3 * step) return;
  const Waiting& next = waiting_[(waited_ - 3 * step) % kWaiting];
  if (next.signature != matching::kNone) flows_.fetch(signatures_.fetch_hop_before(next.signature));
}

void Matcher::State::place_waiting() {
  while (placed_ < waited_) place(waiting_[placed_++ % kWaiting]);
}

// As above, with the queue of what is due: record ▶ its newest hop ▶ the one before, and the flow ▶ its flow, and the link.
void Matcher::State::fetch_due() const {
  constexpr std::size_t step = 4;
  if (due_.size() <= 4 * step) return;
  signatures_.fetch(due_[4 * step].signature);
  signatures_.fetch_newest_hop(due_[3 * step].signature);
  flows_.fetch(signatures_.fetch_hop_before(due_[2 * step].signature));
  flows_.fetch(signatures_.flow_before(due_[step].signature));
  links_.fetch(flows_.newest_link(signatures_.newest_flow(due_[step].signature)));
}

}  // namespace audio_latency
