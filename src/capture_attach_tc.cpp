// SPDX-License-Identifier: Apache-2.0
#include "capture_attach_tc.hpp"

#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <set>

#include "netlink.hpp"

namespace audio_latency {
namespace {

constexpr std::uint32_t kHandleBase = 0xa1a70000;  // tc prints it as 0xa1a7…: recognisably not a user's own number
constexpr std::uint32_t kOwners = 256;
constexpr std::string_view kNamePrefix = "al_";  // of every entry point in bpf/

std::uint32_t clsact_parent(al_direction direction) {
  return TC_H_MAKE(TC_H_CLSACT, direction == AL_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

std::optional<Fd> bind_owner(std::uint32_t number) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "audio-latency/clsact/" + std::to_string(number);
  std::memcpy(address.sun_path + 1, name.data(), name.size());  // a leading NUL: abstract, one per network namespace
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return std::nullopt;
  return socket;
}

TcFilter parse_filter(const nlmsghdr& message) {
  const auto& header = *static_cast<const tcmsg*>(NLMSG_DATA(&message));
  TcFilter filter;
  filter.handle = header.tcm_handle;
  filter.priority = TC_H_MAJ(header.tcm_info) >> 16;
  const NetlinkAttributes attributes(message, sizeof header);
  filter.kind = attributes.text(TCA_KIND);
  if (filter.kind == "bpf") filter.name = attributes.nested(TCA_OPTIONS).text(TCA_BPF_NAME);
  return filter;
}

Result<std::set<std::uint32_t>> devices_with_clsact(Netlink& netlink) {
  std::set<std::uint32_t> devices;
  auto status = netlink.ask(NetlinkRequest(RTM_GETQDISC, NLM_F_DUMP, tcmsg{}), [&](const nlmsghdr& message) {
    const auto& header = *static_cast<const tcmsg*>(NLMSG_DATA(&message));
    const bool clsact = NetlinkAttributes(message, sizeof header).text(TCA_KIND) == "clsact";
    if (clsact) devices.insert(static_cast<std::uint32_t>(header.tcm_ifindex));
  });
  if (!status) return status.error();
  return devices;
}

void sweep_point(const AttachPoint& point) {
  const auto filters = list_tc_filters(point);
  if (!filters) return;  // the device has gone meanwhile
  for (const TcFilter& filter : filters.value()) {
    if (!filter.ours()) continue;
    // Held until the filter is gone, so that no new process gets this number in between.
    const auto owner = bind_owner(filter.handle - kHandleBase);
    if (owner) remove_tc_filter(point, filter);
  }
}

}  // namespace

bool TcFilter::ours() const {
  return kind == "bpf" && handle >= kHandleBase && handle < kHandleBase + kOwners && name.starts_with(kNamePrefix);
}

std::string TcFilter::text() const {
  return "clsact filter " + kind + (name.empty() ? "" : " " + name) + " (priority " + std::to_string(priority) + ")";
}

Result<std::vector<TcFilter>> list_tc_filters(const AttachPoint& point) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  tcmsg request{};
  request.tcm_ifindex = static_cast<int>(point.interface_index);
  request.tcm_parent = clsact_parent(point.direction);
  std::vector<TcFilter> filters;
  auto status = netlink->ask(NetlinkRequest(RTM_GETTFILTER, NLM_F_DUMP, request), [&](const nlmsghdr& message) {
    TcFilter filter = parse_filter(message);
    if (filter.handle != 0)
      filters.push_back(std::move(filter));  // 0: the classifier itself, listed before its filters
  });
  if (!status) return status.error();
  return filters;
}

int remove_tc_filter(const AttachPoint& point, const TcFilter& filter) {
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(point.interface_index),
              .attach_point = point.direction == AL_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS);
  LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter.handle, .priority = filter.priority);
  return bpf_tc_detach(&hook, &options);
}

Result<ClsactOwner> ClsactOwner::claim() {
  for (std::uint32_t number = 0; number < kOwners; ++number) {
    if (auto socket = bind_owner(number)) return ClsactOwner(std::move(*socket), number);
  }
  return Error{std::to_string(kOwners) + " runs of this program already use clsact in this network namespace"};
}

std::uint32_t ClsactOwner::handle() const {
  return kHandleBase + number_;
}

Status sweep_stale_filters() {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  const auto devices = devices_with_clsact(*netlink);
  if (!devices) return devices.error();
  for (const std::uint32_t device : devices.value()) {
    for (const al_direction direction : {AL_INGRESS, AL_EGRESS}) sweep_point({device, {}, direction});
  }
  return success();
}

}  // namespace audio_latency
