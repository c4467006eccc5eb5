// SPDX-License-Identifier: Apache-2.0
#include "agent.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent_descriptors.hpp"
#include "agent_reload.hpp"
#include "capture_scanner.hpp"
#include "sink_http.hpp"
#include "version.hpp"

namespace audio_latency {
namespace {

constexpr std::int64_t kTickNs = 100'000'000;  // settles what no further event settles
constexpr unsigned kTicksPerPublication = 10;

std::string node_name(const Options& options) {
  if (!options.k8s_node_name.empty()) return options.k8s_node_name;
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::create(const Invocation& invocation, Log& log) {
  auto names = read_names_file(invocation.loaded.options.names_file);
  if (!names) return names.error();
  std::unique_ptr<Agent> agent(new Agent(invocation, names.value(), log));
  if (auto started = agent->start(); !started) return started.error();
  return agent;
}

Agent::Agent(const Invocation& invocation, const std::vector<StaticName>& names, Log& log)
    : log_(log),
      sources_(invocation.line.sources()),
      options_(invocation.loaded.options),
      node_(node_name(options_)),
      clock_(options_.test_clock_offset_ms * std::int64_t{1'000'000}),
      names_(names),
      pipeline_(options_, resolver_),
      metrics_(options_, resolver_, registry_),
      log_sink_(log, resolver_, clock_, node_) {
  pipeline_.add(static_cast<MatchSink&>(metrics_));
  pipeline_.add_counter(metrics_);
  pipeline_.add(static_cast<MatchSink&>(log_sink_));
  pipeline_.add(static_cast<PlacedSink&>(log_sink_));
  pipeline_.add(recent_matches_);
  clock_.measure();
}

Status Agent::start() {
  log_.event(LogLevel::info, "startup", "audio-latency starts",
             {{"version", version()}, {"commit", commit()}, {"pid", getpid()}, {"node", node_}});
  auto signals = signal_descriptor();
  if (!signals) return signals.error();
  signals_ = std::move(signals).value();
  // First of all what needs no privilege and leaves nothing behind: a port in use ends here.
  auto http = HttpServer::create(options_.metrics_address, options_.metrics_port,
                                 http_endpoints(board_, {&registry_, &process_metrics_}));
  if (!http) return http.error();
  http_ = std::move(http).value();
  if (auto identity = start_identity(); !identity) return identity;
  if (auto bus = start_bus(); !bus) return bus;
  auto capture = LiveCapture::create(options_, log_sink_);
  if (!capture) return capture.error();
  capture_ = std::move(capture).value();
  if (auto formats = start_formats(); !formats) return formats;
  const LiveCaptureStats stats = capture_->stats();
  capture_metrics_.emplace(options_, CaptureMetrics::Identity{node_, stats.attach_mode}, registry_);
  auto timer = timer_descriptor(kTickNs);
  if (!timer) return timer.error();
  timer_ = std::move(timer).value();
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return system_error("epoll_create1");
  for (const int descriptor : {signals_.get(), timer_.get(), capture_->fd()}) {
    if (auto watched = watch(descriptor); !watched) return watched;
  }
  if (bus_) {
    if (auto watched = watch(bus_->fd()); !watched) return watched;
  }
  publish();
  log_.event(LogLevel::info, "startup_complete", "measuring",
             {{"attached_interfaces", stats.attached_interfaces},
              {"attach_mode", stats.attach_mode},
              {"metrics_address", options_.metrics_address},
              {"metrics_port", options_.metrics_port}});
  return success();
}

// Before capture: the first flows have names, where their sockets are open already.
Status Agent::start_identity() {
  auto settings = refresher_settings(options_);
  if (!settings) return settings.error();
  identity_metrics_.emplace(registry_);
  return identity_.start(std::move(settings).value(),
                         [this](const std::string& event_type, const std::string& message) {
                           const bool trouble = event_type == "pod_watcher_error";
                           log_.event(trouble ? LogLevel::warn : LogLevel::info, event_type, message);
                         });
}

Status Agent::start_bus() {
  if (options_.bus_url.empty()) return success();
  auto bus = LiveBus::create(options_, node_, pipeline_, resolver_, log_, registry_);
  if (!bus) return bus.error();
  bus_ = std::move(*bus);
  return success();
}

Status Agent::start_formats() {
  formats_ = std::make_unique<Formats>(options_, wire_settings(options_), pipeline_, capture_->treatments());
  format_metrics_.emplace(registry_);
  pipeline_.set_gate(formats_.get());
  payloads_ = std::make_unique<PayloadQueue>(*formats_);
  return capture_->set_payload_sink(payloads_.get());
}

Status Agent::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) return system_error("epoll_ctl");
  return success();
}

Status Agent::run() {
  while (true) {
    std::array<epoll_event, 4> ready{};
    const int count = epoll_wait(epoll_.get(), ready.data(), ready.size(), -1);
    if (count < 0 && errno != EINTR) return system_error("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int descriptor = ready.at(static_cast<std::size_t>(i)).data.fd;
      if (descriptor == signals_.get()) {
        if (on_signal()) return success();
      } else if (descriptor == timer_.get()) {
        if (auto ticked = tick(); !ticked) return ticked;
      }
    }
    if (auto drained = drain(); !drained) return drained;
  }
}

Status Agent::drain() {
  if (bus_) bus_->step();
  auto drained = capture_->drain(pipeline_);
  if (!drained) return drained.error();
  formats_->advance(capture_->now());
  pipeline_.advance(capture_->now());
  return success();
}

Status Agent::tick() {
  std::uint64_t expirations = 0;
  if (read(timer_.get(), &expirations, sizeof expirations) != sizeof expirations) return success();
  // As where SIGPIPE or SIGHUP ended a program that does not serve: nobody would know that it is still there.
  if (log_.reader_gone()) return Error{"Nobody reads the log any more: its pipe or terminal is closed."};
  if (++ticks_ % kTicksPerPublication == 0) publish();
  return success();
}

void Agent::publish() {
  clock_.measure();
  const EventTime now = monotonic_ns();
  const Matcher& matcher = pipeline_.matcher();
  const std::vector<LinkView> links = matcher.links();
  formats_->report_signatures(metrics_);
  metrics_.update(matcher.stats(), links, matcher.coverage(), now);
  capture_metrics_->update(capture_->stats(), clock_.uncertainty_ns() + clock_.time_of_day_uncertainty_ns(), now);
  identity_metrics_->update(identity_);
  if (bus_) bus_->publish(clock_);
  format_metrics_->update(formats_->stats());
  board_.set_flows(named_flows(formats_->flows(), links, resolver_, clock_));
  recent_matches_.publish(board_, resolver_, clock_);
  publish_links(links);
  board_.set_not_ready_reason(not_ready_reason());
  board_.set_limits(identity_.limits());
}

void Agent::publish_links(const std::vector<LinkView>& links) {
  std::vector<NamedLink> named_links;
  named_links.reserve(links.size());
  for (const LinkView& link : links) {
    named_links.push_back({link, label_of(link.source, link.earlier.source, resolver_),
                           label_of(link.dest, link.later.destination, resolver_), clock_.realtime_ns(link.formed),
                           clock_.realtime_ns(link.last_match)});
  }
  board_.set_links(std::move(named_links));
}

std::string Agent::not_ready_reason() const {
  std::string reason = capture_->not_ready_reason();
  if (reason.empty() && pipeline_.matcher().stats().evicting_young) {
    reason =
        "The signature table is too small to tell repeats: raise MAX_ACTIVE_SIGNATURES or SIGNATURE_SELECTIVITY, or "
        "name fewer AUDIO_PORTS.";
  }
  const std::string naming = identity_.not_ready_reason();
  if (!naming.empty()) reason += (reason.empty() ? "" : " ") + ("Pods are not named: " + naming + ".");
  const std::string bus = bus_ ? bus_->not_ready_reason() : std::string();
  if (!bus.empty()) reason += (reason.empty() ? "" : " ") + bus;
  return reason;
}

bool Agent::on_signal() {
  signalfd_siginfo signal{};
  while (read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGHUP) {
      reload();
      continue;
    }
    board_.set_not_ready_reason("shutting down");
    log_.event(LogLevel::info, "shutdown", "audio-latency ends",
               {{"signal", signal.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT"},
                {"matched_signatures", pipeline_.matcher().stats().matched}});
    return true;
  }
  return false;
}

void Agent::reload() {
  ReloadPlan plan = plan_reload(options_, load_options(sources_));
  for (const ReloadNote& note : plan.notes) log_.event(note.level, "reload", note.message);
  if (!plan.valid) return;
  options_ = std::move(plan.options);
  log_.set_level(options_.log_level);
  formats_->set_ports(options_.audio_ports);
  reload_names();
  if (auto reloaded = capture_->reload(options_); !reloaded) {
    log_.event(LogLevel::error, "reload", reloaded.error().message);
  }
}

void Agent::reload_names() {
  auto names = read_names_file(options_.names_file);
  if (!names) {
    log_.event(LogLevel::error, "reload", names.error().message);
    return;
  }
  names_.replace(names.value());
}

}  // namespace audio_latency
