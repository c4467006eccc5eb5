// SPDX-License-Identifier: Apache-2.0
#include "capture_live_ring.hpp"

#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "capture_payload.hpp"
#include "prefetch.hpp"

namespace audio_latency {

Result<std::unique_ptr<EventRing>> EventRing::open(FdView events, FdView payloads) {
  std::unique_ptr<EventRing> ring(new EventRing());
  ring->payloads_.reset(ring_buffer__new(payloads.get(), &EventRing::on_payload, ring.get(), nullptr));
  if (!ring->payloads_) return Error{std::string("cannot map the ring buffer of payload: ") + std::strerror(errno)};
  ring->events_.reset(ring_buffer__new(events.get(), &EventRing::on_event, ring.get(), nullptr));
  if (!ring->events_) return Error{std::string("cannot map the ring buffer: ") + std::strerror(errno)};
  return ring;
}

void EventRing::FreeRing::operator()(ring_buffer* ring) const {
  ring_buffer__free(ring);
}

std::array<FdView, 2> EventRing::fds() const {
  return {FdView(ring_buffer__epoll_fd(payloads_.get())), FdView(ring_buffer__epoll_fd(events_.get()))};
}

bool EventRing::drain(ObservationSink& sink) {
  sink_ = &sink;
  // In this order: what the first packets of a flow are is known before what was selected in them. Each of the two to
  // its own limit: where payload comes faster than it is decoded, there is always more of it.
  (void)consume(*payloads_, kMaximumPayloads);
  const int status = consume(*events_, kMaximumEvents);
  flush_payloads();
  sink_ = nullptr;
  return status >= 0;
}

int EventRing::consume(ring_buffer& ring, std::uint64_t most) {
  left_ = most;
  return ring_buffer__consume(&ring);
}

void EventRing::flush_payloads() {
  if (payload_sink_ != nullptr) payload_sink_->flush();
  payloads_held_ = false;
}

int EventRing::on_event(void* self, void* data, std::size_t size) {
  auto& ring = *static_cast<EventRing*>(self);
  if (ring.payloads_held_) ring.flush_payloads();
  if (size >= sizeof(al_event)) {
    al_event event;
    std::memcpy(&event, data, sizeof event);
    ++ring.received_;
    ring.sink_->on_observation(observation_of(event));
  }
  return ring.go_on();
}

int EventRing::on_payload(void* self, void* data, std::size_t size) {
  auto& ring = *static_cast<EventRing*>(self);
  // Records follow one another, and another CPU has written them: those of about the same size behind this one.
  const char* const end = static_cast<const char*>(data) + size;
  prefetch(end, end + 2 * std::min<std::size_t>(size, 512));
  const auto payload = payload_of({static_cast<const std::uint8_t*>(data), size});
  if (payload && ring.payload_sink_ != nullptr) {
    ring.payload_sink_->on_payload(*payload);
    ring.payloads_held_ = true;
  }
  return ring.go_on();
}

}  // namespace audio_latency
