// SPDX-License-Identifier: Apache-2.0
#include "capture_interfaces.hpp"

#include <fnmatch.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>

#include <algorithm>

namespace audio_latency {
namespace {

Link parse_link(const nlmsghdr& message) {
  const auto& header = *static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  Link link;
  link.index = static_cast<std::uint32_t>(header.ifi_index);
  link.hardware_type = header.ifi_type;
  link.loopback = (header.ifi_flags & IFF_LOOPBACK) != 0;
  if (const auto name = find_attribute(message, sizeof header, IFLA_IFNAME)) link.name = name.text();
  link.peer_elsewhere = static_cast<bool>(find_attribute(message, sizeof header, IFLA_LINK_NETNSID));
  if (const auto info = find_attribute(message, sizeof header, IFLA_LINKINFO)) {
    if (const auto kind = info.nested(IFLA_INFO_KIND)) link.kind = kind.text();
  }
  return link;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_container_end(const Link& link) {
  return link.kind == "veth" || link.kind == "netkit";
}

}  // namespace

LinkLayer link_layer(const Link& link) {
  switch (link.hardware_type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:  // carries an Ethernet header of zeros
      return LinkLayer::ethernet;
    case ARPHRD_NONE:  // tun, WireGuard, netkit in L3 mode
    case ARPHRD_RAWIP:
    case ARPHRD_PPP:  // the PPP header is added below TC
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
      return LinkLayer::ip;
    default:
      return LinkLayer::unsupported;
  }
}

std::uint64_t interface_flags(const Link& link, const std::vector<std::string>& default_routes) {
  if (link.loopback) return AL_INTERFACE_LOOPBACK;
  const bool inward = is_container_end(link) || link.kind == "bridge";
  return !inward || contains(default_routes, link.name) ? AL_INTERFACE_UPLINK : 0;
}

Result<LinkTable> LinkTable::open() {
  auto changes = Netlink::open(RTMGRP_LINK);
  if (!changes) return changes.error();
  auto questions = Netlink::open();
  if (!questions) return questions.error();
  LinkTable table(std::move(*changes), std::move(*questions));
  if (auto read = table.refresh(); !read) return read.error();
  return table;
}

Result<bool> LinkTable::update() {
  bool changed = false;
  const auto complete = changes_.notifications([&](const nlmsghdr& message) {
    apply_link_message(message, links_);
    changed = true;
  });
  if (!complete) return complete.error();
  if (complete.value()) return changed;
  if (auto read = refresh(); !read) return read.error();
  return true;
}

Status LinkTable::refresh() {
  std::map<std::uint32_t, Link> fresh;
  auto status =
      questions_.dump(RTM_GETLINK, ifinfomsg{}, [&](const nlmsghdr& message) { apply_link_message(message, fresh); });
  if (status) links_.swap(fresh);
  return status;
}

const Link* LinkTable::find(const std::string& name) const {
  const auto found = std::find_if(links_.begin(), links_.end(), [&](const auto& at) { return at.second.name == name; });
  return found == links_.end() ? nullptr : &found->second;
}

void apply_link_message(const nlmsghdr& message, std::map<std::uint32_t, Link>& links) {
  if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return;
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) return;
  // A bridge reports its ports in the same messages: there, RTM_DELLINK means "left the bridge".
  if (static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_family != AF_UNSPEC) return;
  Link link = parse_link(message);
  if (message.nlmsg_type == RTM_DELLINK) {
    links.erase(link.index);
  } else {
    links[link.index] = std::move(link);
  }
}

InterfaceFilter::InterfaceFilter(const Options& options) {
  for (const std::string& name : options.interfaces) {
    if (name == "auto") {
      automatic_ = true;
    } else if (name.find_first_of("*?[") != std::string::npos) {
      globs_.push_back(name);
    } else if (!name.empty()) {
      names_.push_back(name);
    }
  }
}

bool InterfaceFilter::wants(const Link& link, const std::vector<std::string>& default_routes) const {
  if (names(link.name)) return true;
  if (link_layer(link) == LinkLayer::unsupported) return false;
  if (automatic_ && is_container_end(link) && link.peer_elsewhere) return true;
  if (automatic_ && contains(default_routes, link.name)) return true;
  return std::any_of(globs_.begin(), globs_.end(),
                     [&](const std::string& glob) { return fnmatch(glob.c_str(), link.name.c_str(), 0) == 0; });
}

std::vector<std::string> InterfaceFilter::missing(const LinkTable& links) const {
  std::vector<std::string> absent;
  std::copy_if(names_.begin(), names_.end(), std::back_inserter(absent),
               [&](const std::string& name) { return links.find(name) == nullptr; });
  return absent;
}

bool InterfaceFilter::names(const std::string& name) const {
  return contains(names_, name);
}

std::vector<al_direction> directions_of(const Options& options, const InterfaceFilter& filter) {
  const bool both = options.direction == DirectionOption::both || (options.direction_defaulted && filter.automatic());
  if (both) return {AL_INGRESS, AL_EGRESS};
  return {options.direction == DirectionOption::egress ? AL_EGRESS : AL_INGRESS};
}

const char* direction_name(al_direction direction) {
  return direction == AL_INGRESS ? "ingress" : "egress";
}

}  // namespace audio_latency
