// SPDX-License-Identifier: Apache-2.0
#include "identity_refresher.hpp"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "identity_clock.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kBetweenSnapshots = 20'000'000;
constexpr EventTime kSettle = 300'000'000;  // then pods and interfaces that changed together are looked at once more
constexpr EventTime kBetweenCollections = 1'000'000'000;
constexpr EventTime kBetweenTranslations = 1'000'000'000;  // that are only looked at again: each look makes a new table
constexpr std::int64_t kScanShare = 66;                    // one in so many nanoseconds: 1.5 % of a processor
constexpr std::int64_t kScanCredit =
    30'000'000;  // ns that may be saved up: the first flows of a call are named at once

}  // namespace

Result<std::unique_ptr<IdentityRefresher>> IdentityRefresher::create(RefresherSettings settings, IdentityLog log) {
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Error{std::string("an eventfd can't be made: ") + std::strerror(errno)};
  // The tables of a snapshot are large and short-lived: mapped, they go back to the kernel with it. (glibc would raise
  // the threshold after the first.)
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  std::unique_ptr<IdentityRefresher> refresher(new IdentityRefresher(std::move(settings), std::move(log), wake));
  IdentityRefresher& self = *refresher;
  auto interfaces = InterfaceFollower::create();
  if (!interfaces) return interfaces.error();
  self.interfaces_.emplace(std::move(*interfaces));
  if (self.settings_.processes) {
    self.scanner_ = std::make_unique<LocalScanner>(self.settings_.local, self.registry_, self.pods_);
  }
  if (self.settings_.kubernetes) {
    auto watcher = KubernetesWatcher::create(*self.settings_.kubernetes, self.pods_, self.services_, self.log_,
                                             [&self] { self.wake(); });
    if (!watcher) return watcher.error();
    self.kubernetes_ = std::move(*watcher);
  }
  self.thread_ = std::thread([&self] { self.run(); });
  return refresher;
}

IdentityRefresher::IdentityRefresher(RefresherSettings settings, IdentityLog log, int wake)
    : settings_(std::move(settings)), log_(std::move(log)), budget_ns_(kScanCredit), wake_fd_(wake) {
  latest_.translations = translations_.table();  // an empty one: with none, nobody would ask
  limits_ = settings_.without_processes;         // as asked for, or as the capabilities are: no news
}

IdentityRefresher::~IdentityRefresher() {
  kubernetes_.reset();
  stop_.store(true);
  wake();
  if (thread_.joinable()) thread_.join();
  close(wake_fd_);
}

void IdentityRefresher::wake() const {
  const std::uint64_t one = 1;
  // It can only fail by overflow, and then the thread is awake.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

void IdentityRefresher::request_scan() {
  if (scan_wanted_.load(std::memory_order_relaxed) || scan_wanted_.exchange(true)) return;
  wake();
}

void IdentityRefresher::request_translation(const SocketKey& flow, bool soon) {
  if (translations_.request(flow, soon)) wake();
}

void IdentityRefresher::run() {
  pthread_setname_np(pthread_self(), "identity");
  while (!stop_.load()) {
    const EventTime now = monotonic_now();
    refresh_interfaces(now);
    refresh_local(now);
    refresh_translations(now);
    publish(now);
    if (now >= collected_ + kBetweenCollections) {
      registry_.collect(now);
      collected_ = now;
    }
    wait(next_step(now));
  }
}

void IdentityRefresher::refresh_interfaces(EventTime now) {
  if (!interfaces_->refresh(now)) return;
  set_limits();
  // Where the kernel does not tell addresses there is no telling pods apart by interface: addresses decide alone.
  if (interfaces_->unusable_reason().empty())
    pods_.set_interfaces(interfaces_->elsewhere(), interfaces_->others(), now);
  // Containers come and go with their interfaces.
  scan_wanted_.store(true);
}

void IdentityRefresher::refresh_local(EventTime now) {
  budget_ns_ = std::min(budget_ns_ + static_cast<std::int64_t>(now - credited_) / kScanShare, kScanCredit);
  credited_ = now;
  if (!scanner_ || budget_ns_ <= 0 || !scan_wanted_.exchange(false)) return;
  const EventTime before = nanoseconds_of(CLOCK_THREAD_CPUTIME_ID);
  latest_.local = scanner_->scan(monotonic_now());
  const EventTime cost = nanoseconds_of(CLOCK_THREAD_CPUTIME_ID) - before;
  budget_ns_ -= static_cast<std::int64_t>(cost);
  scan_cpu_ns_ += cost;
  ++scans_;
  changed_ = true;
  set_limits();
}

void IdentityRefresher::refresh_translations(EventTime now) {
  if (now < translated_ + kBetweenTranslations && !translations_.hurries()) return;
  translated_ = now;
  if (!translations_.refresh(now)) return;
  latest_.translations = translations_.table();
  changed_ = true;
}

void IdentityRefresher::publish(EventTime now) {
  if (pods_.take_changed()) {
    pods_changed_ = true;
    settles_ = now + kSettle;
  }
  if (services_.take_changed()) services_changed_ = true;
  if (settles_ != 0 && now >= settles_) {
    pods_changed_ = true;
    settles_ = 0;
  }
  if (!pods_changed_ && !services_changed_ && !changed_) return;
  if (now < published_ + kBetweenSnapshots) return;
  if (pods_changed_) {
    latest_.pods = pods_.pods(now);
    latest_.interfaces = pods_.interfaces();
  }
  if (services_changed_) latest_.services = services_.services();
  slot_.publish(std::make_unique<IdentitySnapshot>(latest_));
  changed_ = pods_changed_ = services_changed_ = false;
  published_ = now;
  ++snapshots_;
}

EventTime IdentityRefresher::next_step(EventTime now) const {
  EventTime next = std::min(interfaces_->next_refresh(), now + kBetweenCollections);
  if (changed_ || pods_changed_ || services_changed_) next = std::min(next, published_ + kBetweenSnapshots);
  if (settles_ != 0) next = std::min(next, settles_);
  if (scanner_ && scan_wanted_.load()) {
    const std::int64_t debt = std::max<std::int64_t>(-budget_ns_, 0) + 1'000'000;
    next = std::min(next, now + static_cast<EventTime>(budget_ns_ > 0 ? 0 : debt * kScanShare));
  }
  return next;
}

void IdentityRefresher::wait(EventTime until) {
  const EventTime now = monotonic_now();
  // Bursts of news are taken in together.
  const EventTime quiet = published_ + kBetweenSnapshots;
  if (now < quiet && !stop_.load()) {
    const timespec pause{0, static_cast<long>(std::min<EventTime>(quiet - now, kBetweenSnapshots))};
    nanosleep(&pause, nullptr);
  }
  const EventTime rest = monotonic_now();
  const int timeout_ms = until > rest ? static_cast<int>((until - rest) / 1'000'000 + 1) : 0;
  std::array<pollfd, 2> sources{{{wake_fd_, POLLIN, 0}, {interfaces_->fd(), POLLIN, 0}}};
  poll(sources.data(), sources.size(), timeout_ms);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t emptied = read(wake_fd_, &count, sizeof count);
}

void IdentityRefresher::set_limits() {
  std::string limits = scanner_ ? scanner_->limits() : settings_.without_processes;
  const std::string& interfaces = interfaces_->unusable_reason();
  if (!interfaces.empty()) limits += (limits.empty() ? "" : "; ") + interfaces;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = limits != limits_ && !limits.empty();
    limits_ = limits;
  }
  if (news) log_("identity_limited", limits);
}

RefresherStats IdentityRefresher::stats() const {
  return {registry_.size(), pods_.size(), snapshots_.load(), scans_.load(), scan_cpu_ns_.load()};
}

std::string IdentityRefresher::not_ready_reason() const {
  return kubernetes_ ? kubernetes_->not_ready_reason() : std::string{};
}

std::string IdentityRefresher::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

}  // namespace audio_latency
