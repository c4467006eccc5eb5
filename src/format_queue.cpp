// SPDX-License-Identifier: Apache-2.0
#include "format_queue.hpp"

#include <algorithm>

namespace audio_latency {

void PayloadQueue::on_payload(const Payload& payload) {
  Held& newest = held_[taken_++ % kHeld];
  newest.payload = payload;
  newest.bytes.assign(payload.bytes.begin(), payload.bytes.end());
  newest.payload.bytes = newest.bytes;
  const auto held = static_cast<unsigned>(taken_ - given_);
  for (unsigned step = 0; step < std::min(Formats::kPrefetchSteps, held); ++step) {
    Held& each = held_[(taken_ - 1 - step) % kHeld];
    formats_.prefetch(each.payload, step, each.coming);
  }
  if (held > Formats::kPrefetchSteps) hand_over();
}

void PayloadQueue::flush() {
  while (given_ < taken_) hand_over();
}

void PayloadQueue::hand_over() {
  const Held& oldest = held_[given_++ % kHeld];
  formats_.comes_next(oldest.coming);
  formats_.on_payload(oldest.payload);
}

}  // namespace audio_latency
