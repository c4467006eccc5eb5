// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
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
  ~EventRing() = default;
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  std::array<FdView, 2> fds() const;  // readable once the kernel program has woken their consumer
  // Hands over what is there, at most so many records, so that a flood can't hold up timers and signals. False: there
  // are more events.
  bool drain(ObservationSink& sink);
  // Where payload goes; null: nowhere.
  void set_payload_sink(PayloadSink* sink) { payload_sink_ = sink; }
  std::uint64_t received() const { return received_; }

 private:
  static constexpr std::uint64_t kMaximumEvents = 65'536;
  static constexpr std::uint64_t kMaximumPayloads = 8'192;
  struct FreeRing {
    void operator()(ring_buffer* ring) const;
  };

  EventRing() = default;
  static int on_event(void* self, void* data, std::size_t size);
  static int on_payload(void* self, void* data, std::size_t size);
  void flush_payloads();
  int consume(ring_buffer& ring, std::uint64_t most);
  int go_on() { return --left_ == 0 ? -EAGAIN : 0; }  // this record is consumed in either case

  std::unique_ptr<ring_buffer, FreeRing> payloads_;
  std::unique_ptr<ring_buffer, FreeRing> events_;
  ObservationSink* sink_ = nullptr;  // while draining
  std::uint64_t received_ = 0;
  std::uint64_t left_ = 0;  // records that may still be consumed
  PayloadSink* payload_sink_ = nullptr;
  bool payloads_held_ = false;  // maybe, by the sink
};

}  // namespace audio_latency
