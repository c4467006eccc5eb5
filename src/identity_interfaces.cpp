// SPDX-License-Identifier: Apache-2.0
#include "identity_interfaces.hpp"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include <algorithm>

namespace audio_latency {
namespace {

constexpr EventTime kReconcile = 10'000'000'000;
constexpr EventTime kAskAgain = 40'000'000;    // while a new interface has no address yet
constexpr EventTime kAskFor = 10'000'000'000;  // then it waits for the next reconciliation

std::optional<IpAddress> address_of(std::string_view bytes) {
  IpAddress ip;
  if (bytes.size() == 16) {
    std::memcpy(ip.bytes.data(), bytes.data(), 16);
    return ip;
  }
  if (bytes.size() != 4) return std::nullopt;
  std::uint32_t wire = 0;
  std::memcpy(&wire, bytes.data(), 4);
  return IpAddress::from_ipv4(__builtin_bswap32(wire));
}

}  // namespace

LinkDescription describe_link(const nlmsghdr* message) {
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  const auto attributes = NetlinkAttributes::behind(message, sizeof *info);
  LinkDescription link;
  link.index = static_cast<std::uint32_t>(info->ifi_index);
  link.name = attributes.text(IFLA_IFNAME);
  link.peer_network = attributes.number<std::int32_t>(IFLA_LINK_NETNSID);
  return link;
}

Result<std::vector<LinkDescription>> list_links(NetlinkSocket& route) {
  NetlinkRequest request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
  std::vector<LinkDescription> links;
  const auto asked = route.dump(request, [&links](const nlmsghdr* message) {
    if (message->nlmsg_type == RTM_NEWLINK) links.push_back(describe_link(message));
  });
  if (!asked) return asked.error();
  return links;
}

Result<InterfaceFollower> InterfaceFollower::create() {
  auto events = NetlinkSocket::open(NETLINK_ROUTE, RTMGRP_LINK);
  if (!events) return events.error();
  auto requests = NetlinkSocket::open(NETLINK_ROUTE);
  if (!requests) return requests.error();
  return InterfaceFollower(std::move(*events), std::move(*requests));
}

bool InterfaceFollower::refresh(EventTime now) {
  bool changed = false;
  const bool complete =
      events_.drain([this, now, &changed](const nlmsghdr* message) { changed = take(message, now) || changed; });
  if (!complete || reconciled_ == 0 || now >= reconciled_ + kReconcile) changed = reconcile(now) || changed;
  if (now >= asked_ + kAskAgain || changed) {
    asked_ = now;
    for (auto& [index, entry] : entries_) {
      if (waits_for_addresses(entry, now)) changed = ask_addresses(entry) || changed;
    }
  }
  return changed;
}

bool InterfaceFollower::waits_for_addresses(const Entry& entry, EventTime now) const {
  return entry.link.peer_network && entry.addresses.empty() && now < entry.first + kAskFor;
}

EventTime InterfaceFollower::next_refresh() const {
  const bool waits = std::any_of(entries_.begin(), entries_.end(),
                                 [this](const auto& item) { return waits_for_addresses(item.second, asked_); });
  return waits ? asked_ + kAskAgain : reconciled_ + kReconcile;
}

bool InterfaceFollower::take(const nlmsghdr* message, EventTime now) {
  if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) return false;
  // A bridge tells of its ports in the same messages: there, RTM_DELLINK means that one left the bridge.
  if (static_cast<const ifinfomsg*>(NLMSG_DATA(message))->ifi_family != AF_UNSPEC) return false;
  LinkDescription link = describe_link(message);
  if (message->nlmsg_type == RTM_DELLINK) return entries_.erase(link.index) > 0;
  const auto [known, fresh] = entries_.try_emplace(link.index);
  const bool moved = !fresh && known->second.link.peer_network != link.peer_network;
  if (fresh || moved) known->second = {{}, now, {}};
  known->second.link = std::move(link);
  return fresh || moved;
}

bool InterfaceFollower::reconcile(EventTime now) {
  reconciled_ = now;
  const auto links = list_links(requests_);
  if (!links) {
    unusable_reason_ = links.error().message;
    return false;
  }
  std::map<std::uint32_t, Entry> fresh;
  for (const LinkDescription& link : *links) {
    const auto known = entries_.find(link.index);
    const bool same = known != entries_.end() && known->second.link.peer_network == link.peer_network;
    fresh[link.index] = same ? std::move(known->second) : Entry{{}, now, {}};
    fresh[link.index].link = link;
  }
  entries_ = std::move(fresh);
  for (auto& [index, entry] : entries_) ask_addresses(entry);
  return true;
}

bool InterfaceFollower::ask_addresses(Entry& entry) {
  if (!entry.link.peer_network) return false;
  const std::int32_t network = *entry.link.peer_network;
  NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  request.attribute(IFA_TARGET_NETNSID, &network, sizeof network);
  std::vector<IpAddress> addresses;
  const auto asked = requests_.dump(request, [&addresses, network](const nlmsghdr* message) {
    const auto attributes = NetlinkAttributes::behind(message, sizeof(ifaddrmsg));
    // An older kernel ignores the request's namespace and answers with this one's addresses.
    if (attributes.number<std::int32_t>(IFA_TARGET_NETNSID) != network) return;
    const auto bytes = attributes.bytes(IFA_LOCAL) ? attributes.bytes(IFA_LOCAL) : attributes.bytes(IFA_ADDRESS);
    const auto ip = bytes ? address_of(*bytes) : std::nullopt;
    if (ip && !ip->is_loopback()) addresses.push_back(*ip);
  });
  if (!asked) {
    unusable_reason_ = "the addresses behind interface " + entry.link.name + " are not known: " + asked.error().message;
    return false;
  }
  unusable_reason_.clear();
  // The link-local address comes first, the plugin's a moment later.
  const bool only_link_local = std::all_of(addresses.begin(), addresses.end(), [](const IpAddress& ip) {
    return !ip.is_ipv4() && ip.bytes[0] == 0xfe && (ip.bytes[1] & 0xc0) == 0x80;
  });
  if (only_link_local) addresses.clear();
  if (addresses == entry.addresses) return false;
  entry.addresses = std::move(addresses);
  return true;
}

std::vector<InterfaceAddresses> InterfaceFollower::elsewhere() const {
  std::vector<InterfaceAddresses> found;
  for (const auto& [index, entry] : entries_) {
    if (entry.link.peer_network) found.push_back({index, *entry.link.peer_network, entry.addresses});
  }
  return found;
}

std::vector<std::uint32_t> InterfaceFollower::others() const {
  std::vector<std::uint32_t> found;
  for (const auto& [index, entry] : entries_) {
    if (!entry.link.peer_network) found.push_back(index);
  }
  return found;
}

}  // namespace audio_latency
