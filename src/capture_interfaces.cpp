// SPDX-License-Identifier: Apache-2.0
#include "capture_interfaces.hpp"

#include <fnmatch.h>
#include <linux/if_arp.h>

#include <algorithm>

namespace audio_latency {
namespace {

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_container_end(const Link& link) {
  return link.kind == "veth" || link.kind == "netkit";
}

// The host's ends of pods as Calico, Cilium, AWS and Azure name them. (Others call theirs veth…, as anybody may.)
bool has_plugin_name(const std::string& name) {
  const auto prefixes = {"cali", "lxc", "eni", "azv"};
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const char* prefix) { return name.starts_with(prefix); });
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
  if (automatic_ && is_container_end(link) && (link.peer_network || has_plugin_name(link.name))) return true;
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
