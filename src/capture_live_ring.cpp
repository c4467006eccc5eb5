// SPDX-License-Identifier: Apache-2.0
#include "capture_live_ring.hpp"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace audio_latency {

Result<std::unique_ptr<EventRing>> EventRing::open(FdView map) {
  std::unique_ptr<EventRing> ring(new EventRing());
  ring->ring_ = ring_buffer__new(map.get(), &EventRing::on_event, ring.get(), nullptr);
  if (ring->ring_ == nullptr) return Error{std::string("cannot map the ring buffer: ") + std::strerror(errno)};
  return ring;
}

EventRing::~EventRing() {
  ring_buffer__free(ring_);
}

FdView EventRing::fd() const {
  return FdView(ring_buffer__epoll_fd(ring_));
}

bool EventRing::drain(ObservationSink& sink) {
  sink_ = &sink;
  stop_at_ = received_ + kMaximumDrained;
  const int status = ring_buffer__consume(ring_);
  sink_ = nullptr;
  return status >= 0;
}

int EventRing::on_event(void* self, void* data, std::size_t size) {
  auto& ring = *static_cast<EventRing*>(self);
  if (size >= sizeof(al_event)) {
    al_event event;
    std::memcpy(&event, data, sizeof event);
    ++ring.received_;
    ring.sink_->on_observation(observation_of(event));
  }
  return ring.received_ >= ring.stop_at_ ? -EAGAIN : 0;  // this event is consumed in either case
}

}  // namespace audio_latency
