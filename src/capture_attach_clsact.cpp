// SPDX-License-Identifier: Apache-2.0
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "capture_attach.hpp"
#include "capture_attach_tc.hpp"

namespace audio_latency {
namespace {

// Early in the chain, but never 1: Cilium and others insist on that one, and taking it cut clusters off. The next ones
// are tried where another classifier has a priority.
constexpr std::uint32_t kFirstPriority = 2;
constexpr std::uint32_t kLastPriority = 9;

using Devices = std::set<std::uint32_t>;

bpf_tc_hook hook_of(const AttachPoint& point) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(point.interface_index),
              .attach_point = point.direction == AL_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS);
  return hook;
}

// Only a qdisc that this process made, and only while nobody else uses it. Where nobody can tell, the device is gone,
// or the qdisc is left alone.
void destroy_unused_qdisc(const AttachPoint& point, Devices& created) {
  AttachPoint other = point;
  other.direction = point.direction == AL_INGRESS ? AL_EGRESS : AL_INGRESS;
  if (!created.contains(point.interface_index)) return;
  const auto here = list_tc_filters(point);
  const auto there = list_tc_filters(other);
  if (here && there && !(here.value().empty() && there.value().empty())) return;
  created.erase(point.interface_index);
  if (!here || !there) return;
  bpf_tc_hook hook = hook_of(point);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook_destroy(&hook);
}

class ClsactFilter : public Attachment {
 public:
  ClsactFilter(AttachPoint point, TcFilter filter, std::shared_ptr<Devices> created)
      : point_(std::move(point)), filter_(std::move(filter)), created_(std::move(created)) {}
  ClsactFilter(const ClsactFilter&) = delete;
  ClsactFilter& operator=(const ClsactFilter&) = delete;

  ~ClsactFilter() override {
    // Whoever replaced our filter by one of theirs keeps it.
    const auto filters = list_tc_filters(point_);
    const bool ours = filters && std::any_of(filters.value().begin(), filters.value().end(), [&](const TcFilter& now) {
                        return now.handle == filter_.handle && now.priority == filter_.priority && now.ours();
                      });
    if (ours) remove_tc_filter(point_, filter_);
    destroy_unused_qdisc(point_, *created_);
  }

 private:
  AttachPoint point_;
  TcFilter filter_;
  std::shared_ptr<Devices> created_;
};

class ClsactAttacher : public Attacher {
 public:
  ClsactAttacher(const AttachPrograms& programs, ClsactOwner owner) : programs_(programs), owner_(std::move(owner)) {}

  Result<std::unique_ptr<Attachment>> attach(const AttachPoint& point) override {
    bpf_tc_hook hook = hook_of(point);
    int status = bpf_tc_hook_create(&hook);
    if (status == -ENODEV) return std::unique_ptr<Attachment>();
    if (status == 0) created_->insert(point.interface_index);
    if (status == 0 || status == -EEXIST) {
      for (std::uint32_t priority = kFirstPriority; priority <= kLastPriority; ++priority) {
        LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = programs_.at(point).get(), .handle = owner_.handle(),
                    .priority = priority);
        status = bpf_tc_attach(&hook, &options);
        if (status == 0) return filter_at(point, priority);
        if (status != -EINVAL && status != -EEXIST) break;
      }
      destroy_unused_qdisc(point, *created_);
    }
    return Error{"cannot attach to " + point.text() + " by a clsact filter: " + std::strerror(-status)};
  }

  Neighbours neighbours(const AttachPoint& point) override {
    Neighbours others;
    for (const std::uint32_t id : tcx_program_ids(point)) others.before.push_back("TCX " + describe_program(id));
    const auto filters = list_tc_filters(point);
    if (!filters) return others;
    bool passed = false;
    for (const TcFilter& filter : filters.value()) {
      if (filter.handle == owner_.handle() && filter.ours()) {
        passed = true;
      } else {
        (passed ? others.after : others.before).push_back(filter.text());
      }
    }
    others.gone = !passed;
    return others;
  }

  std::string_view mode() const override { return "clsact"; }

 private:
  Result<std::unique_ptr<Attachment>> filter_at(const AttachPoint& point, std::uint32_t priority) {
    TcFilter filter;
    filter.handle = owner_.handle();
    filter.priority = priority;
    return std::unique_ptr<Attachment>(std::make_unique<ClsactFilter>(point, std::move(filter), created_));
  }

  AttachPrograms programs_;
  ClsactOwner owner_;
  // Devices whose qdisc this process made; attachments may outlive the attacher.
  std::shared_ptr<Devices> created_ = std::make_shared<Devices>();
};

}  // namespace

Result<std::unique_ptr<Attacher>> make_clsact_attacher(const AttachPrograms& programs) {
  auto owner = ClsactOwner::claim();
  if (!owner) return owner.error();
  return std::unique_ptr<Attacher>(std::make_unique<ClsactAttacher>(programs, std::move(*owner)));
}

}  // namespace audio_latency
