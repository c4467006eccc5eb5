// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "audio_latency/result.hpp"
#include "netlink.hpp"

namespace audio_latency {

// A network device, as the kernel describes it.
struct Link {
  std::uint32_t index = 0;
  std::string name;
  std::string kind;                 // "veth", "bridge", …; empty for hardware and loopback
  std::uint16_t hardware_type = 0;  // ARPHRD_*
  bool loopback = false;
  std::optional<std::int32_t> peer_network;  // id of the other network namespace that its other end is in

  bool operator==(const Link&) const = default;
};

// All devices of this network namespace, kept true by rtnetlink. One thread.
class LinkTable {
 public:
  static Result<LinkTable> open();

  // Readable when something changed.
  int fd() const { return changes_.fd(); }
  // Takes in what changed; after lost notifications, everything. False: nothing did.
  Result<bool> update();
  // Reads everything anew.
  Status refresh();
  const std::map<std::uint32_t, Link>& links() const { return links_; }
  const Link* find(const std::string& name) const;

 private:
  LinkTable(Netlink changes, Netlink questions) : changes_(std::move(changes)), questions_(std::move(questions)) {}

  Netlink changes_;
  Netlink questions_;
  std::map<std::uint32_t, Link> links_;  // by interface index
};

// Applies RTM_NEWLINK or RTM_DELLINK; any other message changes nothing.
void apply_link_message(const nlmsghdr& message, std::map<std::uint32_t, Link>& links);

}  // namespace audio_latency
