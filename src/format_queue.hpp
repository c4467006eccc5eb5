// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "format_table.hpp"

namespace audio_latency {

// In front of the formats stage: holds a few payloads back, in their order, while what their flows need is fetched from
// far memory. Neighbours in the ring buffer are of different flows, and each one's state lies in a dozen places. Loop
// thread only.
class PayloadQueue : public PayloadSink {
 public:
  explicit PayloadQueue(Formats& formats) : formats_(formats) {}  // it must outlive this

  void on_payload(const Payload& payload) override;
  void flush() override;

 private:
  static constexpr std::size_t kHeld = 8;  // a power of two, more than there are steps
  static_assert(Formats::kPrefetchSteps < kHeld);
  struct Held {
    Payload payload;
    std::vector<std::uint8_t> bytes;  // the payload's
    Formats::Coming coming;
  };

  void hand_over();

  Formats& formats_;
  std::array<Held, kHeld> held_;
  std::uint64_t taken_ = 0;
  std::uint64_t given_ = 0;
};

}  // namespace audio_latency
