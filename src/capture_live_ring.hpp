// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>

#include "audio_latency/capture.hpp"
#include "audio_latency/payload.hpp"
#include "fd.hpp"

struct ring_buffer;

namespace audio_latency {

// The consumer of the kernel program's ring buffers: events, and payload. Loop thread only; has one address for life,
// since the library calls back to it.
class EventRing {
 public:
  static Result<std::unique_ptr<EventRing>> open(FdView events, FdView payloads);
  ~EventRing();
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  FdView fd() const;  // readable once the kernel program has woken its consumer
  // Hands over what is there, at most `kMaximumDrained` records, so that a flood can't hold up timers and signals.
  // False: there is more.
  bool drain(ObservationSink& sink);
  // Where payload goes; null: nowhere.
  void set_payload_sink(PayloadSink* sink) { payload_sink_ = sink; }
  std::uint64_t received() const { return received_; }

 private:
  static constexpr std::uint64_t kMaximumDrained = 65'536;

  EventRing() = default;
  static int on_event(void* self, void* data, std::size_t size);
  static int on_payload(void* self, void* data, std::size_t size);
  void flush_payloads();
  int go_on() const { return drained_ >= kMaximumDrained ? -EAGAIN : 0; }  // this record is consumed in either case

  ring_buffer* ring_ = nullptr;
  ObservationSink* sink_ = nullptr;  // while draining
  std::uint64_t received_ = 0;
  std::uint64_t drained_ = 0;  // records, since drain() was called
  PayloadSink* payload_sink_ = nullptr;
  bool payloads_held_ = false;  // maybe, by the sink
};

}  // namespace audio_latency
