// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio_latency/options.hpp"
#include "audio_latency/wire/event.h"
#include "link_table.hpp"

namespace audio_latency {

// What packets of a device begin with, told by its ARPHRD type: `__sk_buff` does not say.
enum class LinkLayer : std::uint8_t { ethernet, ip, unsupported };

LinkLayer link_layer(const Link& link);

// al_interface_flag bits. Uplinks are where tunnels end: the default route's devices, and whatever is not the host's
// side of a container (veth, netkit) or a switch between containers (bridge): any container can write a tunnel header.
std::uint64_t interface_flags(const Link& link, const std::vector<std::string>& default_routes);

// Devices of the IPv4 and IPv6 default routes, the best (lowest metric) first, from PROC/net/route and
// PROC/net/ipv6_route. Empty where there is none.
std::vector<std::string> default_route_interfaces(const std::string& proc = "/proc/self");

// Which devices INTERFACE asks for.
class InterfaceFilter {
 public:
  // Splits names and globs (fnmatch: `*`, `?`, `[…]`).
  explicit InterfaceFilter(const Options& options);

  // The one place that decides about a device. `auto`: the host's ends of containers' networks, and the default route's
  // devices. Bridges and tunnel devices (cni0, docker0, flannel.1) only carry the same packets once more.
  bool wants(const Link& link, const std::vector<std::string>& default_routes) const;

  // Plain names of which there is no device now.
  std::vector<std::string> missing(const LinkTable& links) const;
  // The default `eth0` is not there: take this one instead.
  void replace_default(const std::string& name) { names_ = {name}; }

  bool names(const std::string& name) const;  // plainly, so that an unsupported device is an error
  bool automatic() const { return automatic_; }
  bool may_wait() const { return automatic_ || !globs_.empty(); }  // for devices that are still to come

 private:
  std::vector<std::string> names_;
  std::vector<std::string> globs_;
  bool automatic_ = false;
};

// Directions to attach to on the devices of that filter.
std::vector<al_direction> directions_of(const Options& options, const InterfaceFilter& filter);
const char* direction_name(al_direction direction);  // "ingress", "egress"

}  // namespace audio_latency
