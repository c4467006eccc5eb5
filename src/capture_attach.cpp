// SPDX-License-Identifier: Apache-2.0
#include "capture_attach.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "capture_attach_tc.hpp"

namespace audio_latency {
namespace {

// linux/bpf.h of Linux 6.6; Debian 12's is older.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr std::uint32_t kBefore = 1U << 3;      // BPF_F_BEFORE without a neighbour: at the head
constexpr int kLoopbackIndex = 1;               // in every network namespace
constexpr std::uint32_t kMaximumPrograms = 64;  // BPF_MPROG_MAX

bpf_attach_type tcx_type(al_direction direction) {
  return direction == AL_INGRESS ? kTcxIngress : kTcxEgress;
}

class TcxLink : public Attachment {
 public:
  explicit TcxLink(Fd link) : link_(std::move(link)) {}

 private:
  Fd link_;  // not pinned: closing it detaches
};

class TcxAttacher : public Attacher {
 public:
  explicit TcxAttacher(const AttachPrograms& programs) : programs_(programs) {}

  Result<std::unique_ptr<Attachment>> attach(const AttachPoint& point) override {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = kBefore);
    const int fd = bpf_link_create(programs_.at(point).get(), static_cast<int>(point.interface_index),
                                   tcx_type(point.direction), &options);
    if (fd == -ENODEV) return std::unique_ptr<Attachment>();
    if (fd < 0) return Error{"cannot attach to " + point.text() + " by TCX: " + std::strerror(-fd)};
    return std::unique_ptr<Attachment>(std::make_unique<TcxLink>(Fd(fd)));
  }

  Neighbours neighbours(const AttachPoint& point) override {
    const std::uint32_t own = program_id(programs_.at(point));
    Neighbours others;
    bool passed = false;
    for (const std::uint32_t id : tcx_program_ids(point)) {
      if (id == own) {
        passed = true;
      } else {
        (passed ? others.after : others.before).push_back("TCX " + describe_program(id));
      }
    }
    if (auto filters = list_tc_filters(point)) {
      for (const TcFilter& filter : *filters) others.after.push_back(filter.text());
    }
    return others;
  }

  std::string_view mode() const override { return "tcx"; }

 private:
  AttachPrograms programs_;
};

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace

bool kernel_has_tcx() {
  LIBBPF_OPTS(bpf_prog_query_opts, options);
  const int status = bpf_prog_query_opts(kLoopbackIndex, kTcxIngress, &options);
  return status == 0 || status == -ENODEV;
}

std::vector<std::uint32_t> tcx_program_ids(const AttachPoint& point) {
  std::vector<std::uint32_t> ids(kMaximumPrograms);
  LIBBPF_OPTS(bpf_prog_query_opts, options, .prog_ids = ids.data(), .prog_cnt = kMaximumPrograms);
  const int status = bpf_prog_query_opts(static_cast<int>(point.interface_index), tcx_type(point.direction), &options);
  ids.resize(status == 0 ? options.prog_cnt : 0);
  return ids;
}

std::uint32_t program_id(FdView program) {
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  return bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0 ? info.id : 0;
}

std::string describe_program(std::uint32_t id) {
  const Fd program(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  const bool known = program.valid() && bpf_obj_get_info_by_fd(program.get(), &info, &size) == 0;
  return "program " + (known ? std::string(info.name) + " (id " : "(id ") + std::to_string(id) + ")";
}

std::string describe(const Neighbours& neighbours) {
  std::string text;
  if (!neighbours.before.empty()) text = "after " + join(neighbours.before);
  if (!neighbours.after.empty()) text += (text.empty() ? "before " : ", before ") + join(neighbours.after);
  return text;
}

Result<std::unique_ptr<Attacher>> make_tcx_attacher(const AttachPrograms& programs) {
  if (!kernel_has_tcx()) {
    return Error{
        "this kernel has no TCX (Linux 6.6 and later), or CAP_NET_ADMIN is missing; ATTACH_MODE=auto and "
        "clsact work without"};
  }
  return std::unique_ptr<Attacher>(std::make_unique<TcxAttacher>(programs));
}

Result<std::unique_ptr<Attacher>> make_attacher(AttachMode mode, const AttachPrograms& programs) {
  if (auto swept = sweep_stale_filters(); !swept) return swept.error();
  const bool tcx = mode == AttachMode::tcx || (mode == AttachMode::automatic && kernel_has_tcx());
  return tcx ? make_tcx_attacher(programs) : make_clsact_attacher(programs);
}

}  // namespace audio_latency
