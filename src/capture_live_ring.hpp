// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "audio_latency/capture.hpp"
#include "fd.hpp"

struct ring_buffer;

namespace audio_latency {

// The consumer of the kernel program's ring buffer. Loop thread only; has one address for life, since the library
// calls back to it.
class EventRing {
 public:
  static Result<std::unique_ptr<EventRing>> open(FdView map);
  ~EventRing();
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  FdView fd() const;  // readable once the kernel program has woken its consumer
  // Hands over what is there, at most `kMaximumDrained` events, so that a flood can't hold up timers and signals.
  // False: there is more.
  bool drain(ObservationSink& sink);
  std::uint64_t received() const { return received_; }

 private:
  static constexpr std::uint64_t kMaximumDrained = 65'536;

  EventRing() = default;
  static int on_event(void* self, void* data, std::size_t size);

  ring_buffer* ring_ = nullptr;
  ObservationSink* sink_ = nullptr;  // while draining
  std::uint64_t received_ = 0;
  std::uint64_t stop_at_ = 0;
};

}  // namespace audio_latency
