// SPDX-License-Identifier: Apache-2.0
#include "bus_live.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <random>

#include "agent_descriptors.hpp"
#include "options_parse.hpp"

namespace audio_latency {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kTimer = 20 * kMillisecond;  // a batch leaves after so long

BusMember random_member() {
  std::random_device random;
  const BusMember member = std::uint64_t{random()} << 32 | random();
  return member == 0 ? 1 : member;
}

}  // namespace

Result<NatsSettings> nats_settings(const Options& options, const std::string& node) {
  const int ways = (options.bus_user.empty() ? 0 : 1) + (options.bus_token_file.empty() ? 0 : 1) +
                   (options.bus_nkey.empty() ? 0 : 1) + (options.bus_credentials_file.empty() ? 0 : 1);
  if (ways > 1) {
    return Error{
        "More than one of BUS_USER, BUS_TOKEN_FILE, BUS_NKEY and BUS_CREDENTIALS_FILE is set: allowed is one."};
  }
  if (options.bus_nkey.empty() != options.bus_nkey_seed_file.empty()) {
    return Error{"One of BUS_NKEY and BUS_NKEY_SEED_FILE is missing: they need each other."};
  }
  if (options.bus_certificate_file.empty() != options.bus_key_file.empty()) {
    return Error{"One of BUS_CERTIFICATE_FILE and BUS_KEY_FILE is missing: they need each other."};
  }
  NatsSettings settings;
  settings.self = random_member();
  settings.node = node.substr(0, kBusLongestName);
  for (const std::string_view url : split_list(options.bus_url)) settings.urls.emplace_back(url);
  settings.subject = options.bus_subject;
  settings.user = options.bus_user;
  settings.password_file = options.bus_password_file;
  settings.token_file = options.bus_token_file;
  settings.nkey = options.bus_nkey;
  settings.nkey_seed_file = options.bus_nkey_seed_file;
  settings.credentials_file = options.bus_credentials_file;
  settings.ca_file = options.bus_ca_file;
  settings.certificate_file = options.bus_certificate_file;
  settings.key_file = options.bus_key_file;
  return settings;
}

Result<std::unique_ptr<LiveBus>> LiveBus::create(const Options& options, const std::string& node, Pipeline& pipeline,
                                                 BusNames& names, Log& log, prometheus::Registry& registry) {
  auto settings = nats_settings(options, node);
  if (!settings) return settings.error();
  std::unique_ptr<LiveBus> bus(new LiveBus(options, node, pipeline, registry));
  if (auto opened = bus->open(*settings, names, log); !opened) return opened.error();
  return bus;
}

LiveBus::LiveBus(const Options& options, const std::string& node, Pipeline& pipeline, prometheus::Registry& registry)
    : pipeline_(pipeline), metrics_(registry, options.max_series) {
  settings_.node = node.substr(0, kBusLongestName);
  settings_.owners = options.bus_owners;
  settings_.maximum_latency = EventTime{options.max_latency_ms} * kMillisecond;
  settings_.flow_timeout = EventTime{options.flow_timeout_ms} * kMillisecond;
  settings_.most_flows = options.max_flows;
  settings_.correct_clocks = options.clock_correction;
  settings_.settle = EventTime{options.settle_ms} * kMillisecond;
}

Status LiveBus::open(const NatsSettings& settings, BusNames& names, Log& log) {
  settings_.self = settings.self;
  auto transport = NatsTransport::create(settings);
  if (!transport) return transport.error();
  transport_ = std::move(*transport);
  auto timer = timer_descriptor(kTimer);
  if (!timer) return timer.error();
  timer_ = std::move(*timer);
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return system_error("epoll_create1");
  for (const int descriptor : {timer_.get(), transport_->fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) return system_error("epoll_ctl");
  }
  bus_ = std::make_unique<Bus>(
      settings_, *transport_, names,
      Bus::Matching{
          [this](const PlacedObservation& seen) { pipeline_.observe(seen); },
          [this](std::uint32_t node, std::uint64_t ns) { pipeline_.set_clock_uncertainty(node, ns); },
          [this](const FlowKey& flow, std::uint32_t node) { return pipeline_.matcher().is_behind(flow, node); }},
      [&log](LogLevel level, const char* type, const std::string& message) { log.event(level, type, message); });
  pipeline_.set_router(bus_.get());
  return success();
}

LiveBus::~LiveBus() {
  pipeline_.set_router(nullptr);
}

void LiveBus::step() {
  std::uint64_t expirations = 0;
  [[maybe_unused]] const ssize_t emptied = read(timer_.get(), &expirations, sizeof expirations);
  bus_->step(monotonic_ns());
  pipeline_.set_hearing(bus_->hearing());
}

void LiveBus::publish(const WallClock& clock) {
  bus_->set_clock(clock.offset_ns(), clock.uncertainty_ns() + clock.time_of_day_uncertainty_ns());
  metrics_.update(bus_->stats(), bus_->clocks());
}

}  // namespace audio_latency
