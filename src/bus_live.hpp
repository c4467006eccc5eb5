// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <memory>

#include "audio_latency/options.hpp"
#include "bus.hpp"
#include "bus_nats.hpp"
#include "fd.hpp"
#include "sink_metrics_bus.hpp"
#include "wall_clock.hpp"

namespace audio_latency {

// What the options say of the bus; an error where they contradict each other.
Result<NatsSettings> nats_settings(const Options& options, const std::string& node);

// The bus of a running daemon: BUS_URL's connection, the stage, its metrics. Loop thread only.
class LiveBus {
 public:
  // Becomes the router of `pipeline`; it, `names` and `log` must outlive this.
  static Result<std::unique_ptr<LiveBus>> create(const Options& options, const std::string& node, Pipeline& pipeline,
                                                 BusNames& names, Log& log, prometheus::Registry& registry);
  ~LiveBus();
  LiveBus(const LiveBus&) = delete;
  LiveBus& operator=(const LiveBus&) = delete;

  // Readable where step() has something to do: something has arrived, or is due.
  int fd() const { return epoll_.get(); }
  void step();
  void publish(const WallClock& clock);  // once a second
  std::string not_ready_reason() const { return bus_->not_ready_reason(); }

 private:
  LiveBus(const Options& options, const std::string& node, Pipeline& pipeline, prometheus::Registry& registry);
  Status open(const NatsSettings& settings, BusNames& names, Log& log);

  BusSettings settings_;
  Pipeline& pipeline_;
  BusMetrics metrics_;
  Fd timer_;
  Fd epoll_;
  std::unique_ptr<NatsTransport> transport_;
  std::unique_ptr<Bus> bus_;
};

}  // namespace audio_latency
