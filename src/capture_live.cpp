// SPDX-License-Identifier: Apache-2.0
#include "capture_live.hpp"

#include <bpf/bpf.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "capture_attach_set.hpp"
#include "capture_flows.hpp"
#include "capture_live_ring.hpp"
#include "capture_live_timer.hpp"
#include "capture_program.hpp"
#include "capture_scanner.hpp"
#include "capture_treatments.hpp"

namespace audio_latency {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDrainInterval{50};  // events below the kernel's wake-up threshold wait no longer
constexpr milliseconds kReconcileInterval{10'000};
constexpr milliseconds kAgingInterval{1'000};
constexpr int kAgingShare = 50;  // a walk over the flow table may take this part of the time
// A packet is stamped when the program starts, and its events arrive when it ends: tens of microseconds later.
constexpr EventTime kInFlightNs = 1'000'000;

EventTime monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<EventTime>(now.tv_sec) * 1'000'000'000 + static_cast<EventTime>(now.tv_nsec);
}

AttachPrograms programs_of(const CaptureProgram& program) {
  AttachPrograms programs;
  for (const al_direction direction : {AL_INGRESS, AL_EGRESS}) {
    programs.ethernet[direction] = FdView(program.program_fd(true, direction));
    programs.ip[direction] = FdView(program.program_fd(false, direction));
  }
  return programs;
}

ProgramRuntime runtime_of(const CaptureProgram& program, bool ethernet, al_direction direction) {
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  ProgramRuntime runtime;
  runtime.program = program.program_name(ethernet, direction);
  if (bpf_obj_get_info_by_fd(program.program_fd(ethernet, direction), &info, &size) == 0) {
    runtime.runs = info.run_cnt;
    runtime.run_time_ns = info.run_time_ns;
  }
  return runtime;
}

std::string missing_sentence(const std::vector<std::string>& missing) {
  std::string names;
  for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
  return (missing.size() == 1 ? "there is no interface " : "there are no interfaces ") + names;
}

// What INTERFACE and DIRECTION ask for on this machine. A plain name that is missing is an error; the default's is
// replaced by the default route's interface.
Result<AttachWish> wish_of(const Options& options, const LinkTable& links, CaptureLog& log) {
  InterfaceFilter filter(options);
  const auto missing = filter.missing(links);
  if (!missing.empty() && options.interfaces_defaulted) {
    const auto routes = default_route_interfaces();
    if (routes.empty()) return Error{missing_sentence(missing) + " and no default route: name one by INTERFACE"};
    filter.replace_default(routes.front());
    log.on_capture_event("attach_error", routes.front(),
                         missing_sentence(missing) + ": watching " + routes.front() + ", the default route's");
  } else if (!missing.empty()) {
    return Error{missing_sentence(missing) + ": INTERFACE takes names of existing ones, or globs, which may wait"};
  }
  AttachWish wish{std::move(filter), {}};
  wish.directions = directions_of(options, wish.filter);
  return wish;
}

class KernelCapture : public LiveCapture {
 public:
  KernelCapture(const Options& options, CaptureLog& log, LinkTable links, AttachWish wish,
                std::unique_ptr<CaptureProgram> program, std::unique_ptr<Attacher> attacher,
                std::unique_ptr<EventRing> ring)
      : options_(options),
        log_(log),
        links_(std::move(links)),
        wish_(std::move(wish)),
        program_(std::move(program)),
        ring_(std::move(ring)),
        entries_(FdView(program_->interfaces_fd())),
        flows_(FdView(program_->flows_fd()), FdView(program_->senders_fd()), options),
        treatments_(FdView(program_->flows_fd()), FdView(program_->ports_fd())),
        attachments_(std::move(attacher), entries_, log),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    reconcile_timer_.start(kReconcileInterval);
    aging_timer_.start(kAgingInterval);
  }

  Status start() {
    for (const FdView fd : {ring_->fds()[0], ring_->fds()[1], FdView(links_.fd()), drain_timer_.fd(),
                            reconcile_timer_.fd(), aging_timer_.fd()}) {
      epoll_event event{};
      event.events = EPOLLIN;
      if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) {
        return Error{std::string("cannot wait for packets: ") + std::strerror(errno)};
      }
    }
    reconcile(true);
    const std::string failure = attachments_.failure();
    if (!failure.empty() && (attachments_.empty() || !wish_.filter.may_wait())) return Error{failure};
    return success();
  }

  int fd() const override { return epoll_.get(); }

  Result<bool> drain(ObservationSink& sink) override {
    const EventTime begin = monotonic_now();
    drain_timer_.expired();
    follow_links();
    if (ring_->drain(sink)) drained_until_ = begin - kInFlightNs;
    if (aging_timer_.expired()) age();
    return true;
  }

  EventTime now() const override { return drained_until_; }

  Status set_payload_sink(PayloadSink* sink) override {
    listening_ = sink != nullptr;
    ring_->set_payload_sink(sink);
    return program_->set_ports(options_, listening_);
  }
  TreatmentSink& treatments() override { return treatments_; }

  Status reload(const Options& options) override {
    auto wish = wish_of(options, links_, log_);
    if (!wish) return wish.error();
    if (auto ports = program_->set_ports(options, listening_); !ports) return ports;
    options_ = options;
    wish_ = std::move(*wish);
    reconcile(true);
    return success();
  }

  LiveCaptureStats stats() const override {
    LiveCaptureStats stats;
    stats.interfaces = attachments_.counters();
    stats.attached_interfaces = attachments_.interfaces();
    stats.flows = flow_count_;
    stats.relieved_flows = flows_.relieved();
    stats.received_events = ring_->received();
    stats.attach_mode = attachments_.mode();
    for (const bool ethernet : {true, false}) {
      for (const al_direction direction : {AL_INGRESS, AL_EGRESS}) {
        stats.programs.push_back(runtime_of(*program_, ethernet, direction));
      }
    }
    return stats;
  }

  std::string not_ready_reason() const override {
    if (!link_trouble_.empty()) return link_trouble_;
    if (!flow_trouble_.empty()) return flow_trouble_;
    if (const auto missing = wish_.filter.missing(links_); !missing.empty()) return missing_sentence(missing);
    return attachments_.failure();
  }

 private:
  void follow_links() {
    if (reconcile_timer_.expired()) {
      note(link_trouble_, links_.refresh());
      attachments_.check_neighbours();
      reconcile(true);
      return;
    }
    const auto changed = links_.update();
    note(link_trouble_, changed ? success() : Status(changed.error()));
    if (!changed || changed.value()) reconcile(false);
  }

  void reconcile(bool again) {
    if (again) default_routes_ = default_route_interfaces();
    attachments_.reconcile(wish_, links_.links(), default_routes_, again);
    if (attachments_.empty() == draining_) {
      draining_ = !draining_;
      drain_timer_.start(draining_ ? kDrainInterval : milliseconds(0));
    }
  }

  void age() {
    const EventTime begin = monotonic_now();
    const auto left = flows_.age(begin);
    note(flow_trouble_, left ? success() : Status(left.error()));
    if (left) flow_count_ = left.value();
    const std::chrono::nanoseconds took(monotonic_now() - begin);
    aging_timer_.start(std::max(kAgingInterval, std::chrono::duration_cast<milliseconds>(kAgingShare * took)));
  }

  // Troubles with the kernel show in /readyz and are logged when they begin.
  void note(std::string& trouble, const Status& status) {
    std::string sentence = status ? std::string() : status.error().message;
    if (!sentence.empty() && sentence != trouble) log_.on_capture_event("attach_error", "", sentence);
    trouble = std::move(sentence);
  }

  Options options_;
  CaptureLog& log_;
  LinkTable links_;
  AttachWish wish_;
  std::vector<std::string> default_routes_;
  std::unique_ptr<CaptureProgram> program_;
  std::unique_ptr<EventRing> ring_;
  KernelInterfaceEntries entries_;
  FlowAger flows_;
  KernelTreatments treatments_;
  bool listening_ = false;
  AttachmentSet attachments_;  // detaches before the program goes
  TimerFd drain_timer_;
  TimerFd reconcile_timer_;
  TimerFd aging_timer_;
  Fd epoll_;
  bool draining_ = false;
  EventTime drained_until_ = 0;
  std::size_t flow_count_ = 0;
  std::string link_trouble_;
  std::string flow_trouble_;
};

}  // namespace

Result<std::unique_ptr<LiveCapture>> LiveCapture::create(const Options& options, CaptureLog& log) {
  auto links = LinkTable::open();
  if (!links) return links.error();
  auto wish = wish_of(options, *links, log);
  if (!wish) return wish.error();
  auto program = CaptureProgram::load(options, wire_settings(options));
  if (!program) return program.error();
  auto attacher = make_attacher(options.attach_mode, programs_of(*program.value()));
  if (!attacher) return attacher.error();
  auto ring = EventRing::open(FdView(program.value()->events_fd()), FdView(program.value()->payloads_fd()));
  if (!ring) return ring.error();
  auto capture = std::make_unique<KernelCapture>(options, log, std::move(*links), std::move(*wish), std::move(*program),
                                                 std::move(*attacher), std::move(*ring));
  if (auto started = capture->start(); !started) return started.error();
  return std::unique_ptr<LiveCapture>(std::move(capture));
}

}  // namespace audio_latency
