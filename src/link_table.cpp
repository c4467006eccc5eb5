// SPDX-License-Identifier: Apache-2.0
#include "link_table.hpp"

#include <linux/if.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include <algorithm>

namespace audio_latency {
namespace {

Link parse_link(const nlmsghdr& message) {
  const auto& header = *static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  const NetlinkAttributes attributes(message, sizeof header);
  Link link;
  link.index = static_cast<std::uint32_t>(header.ifi_index);
  link.hardware_type = header.ifi_type;
  link.loopback = (header.ifi_flags & IFF_LOOPBACK) != 0;
  link.name = attributes.text(IFLA_IFNAME);
  link.kind = attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND);
  link.peer_network = attributes.number<std::int32_t>(IFLA_LINK_NETNSID);
  return link;
}

}  // namespace

Result<LinkTable> LinkTable::open() {
  auto changes = Netlink::open(NETLINK_ROUTE, RTMGRP_LINK);
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
  auto status = questions_.ask(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}),
                               [&](const nlmsghdr& message) { apply_link_message(message, fresh); });
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

}  // namespace audio_latency
