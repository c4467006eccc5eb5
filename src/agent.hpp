// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <string>

#include "bus_live.hpp"
#include "capture_live.hpp"
#include "command.hpp"
#include "fd.hpp"
#include "format_queue.hpp"
#include "identity_live.hpp"
#include "identity_static.hpp"
#include "log.hpp"
#include "pipeline.hpp"
#include "sink_board.hpp"
#include "sink_http_server.hpp"
#include "sink_log.hpp"
#include "sink_metrics.hpp"
#include "sink_metrics_capture.hpp"
#include "sink_metrics_formats.hpp"
#include "sink_metrics_identity.hpp"
#include "sink_metrics_process.hpp"

namespace audio_latency {

// The daemon of `run`: live capture ▶ pipeline ▶ metrics, log, HTTP, on one loop thread; the HTTP threads see what it
// publishes once a second.
class Agent {
 public:
  // Blocks SIGTERM, SIGINT and SIGHUP for this process, listens, loads and attaches. `log` must outlive it.
  static Result<std::unique_ptr<Agent>> create(const Invocation& invocation, Log& log);

  // Until SIGTERM or SIGINT; an error only where capture fails for good.
  Status run();

 private:
  Agent(const Invocation& invocation, const std::vector<StaticName>& names, Log& log);
  Status start();
  Status start_identity();
  Status start_bus();
  Status start_formats();
  Status watch(int descriptor);
  Status drain();
  Status tick();
  void publish();
  void publish_links(const std::vector<LinkView>& links);
  std::string not_ready_reason() const;
  bool on_signal();  // true: end
  void reload();
  void reload_names();

  Log& log_;
  Sources sources_;
  Options options_;
  const std::string node_;
  WallClock clock_;
  StaticResolver names_;
  LiveIdentity identity_{names_};
  BusNames resolver_{identity_};  // the same without a bus
  Pipeline pipeline_;
  prometheus::Registry registry_;
  ProcessMetrics process_metrics_;
  Metrics metrics_;
  LogSink log_sink_;
  RecentMatches recent_matches_;
  Board board_;
  Fd signals_;
  Fd timer_;
  Fd epoll_;
  std::unique_ptr<LiveCapture> capture_;
  std::unique_ptr<Formats> formats_;
  std::unique_ptr<PayloadQueue> payloads_;
  std::optional<CaptureMetrics> capture_metrics_;
  std::optional<FormatMetrics> format_metrics_;
  std::optional<IdentityMetrics> identity_metrics_;
  std::unique_ptr<LiveBus> bus_;      // empty without BUS_URL
  std::unique_ptr<HttpServer> http_;  // last: its threads read the members above
  unsigned ticks_ = 0;
};

}  // namespace audio_latency
