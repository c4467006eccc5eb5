// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audio_latency/observation.hpp"
#include "identity_pods.hpp"
#include "link_table.hpp"
#include "netlink.hpp"

namespace audio_latency {

// Which addresses are behind which virtual interface: asked of the kernel by namespace id (CAP_NET_ADMIN, Linux 4.20),
// so that neither the container runtime nor other processes' files are needed. One thread.
class InterfaceFollower {
 public:
  static Result<InterfaceFollower> create();

  int fd() const { return links_.fd(); }
  // Takes in what changed. True: the pictures below are new. Asks for everything again every 10 s.
  bool refresh(EventTime now);
  // When `refresh` has something to do by itself: a new interface's addresses are not announced, they are asked for.
  EventTime next_refresh() const;

  std::vector<InterfaceAddresses> elsewhere() const;  // interfaces that lead to another network namespace
  std::vector<std::uint32_t> others() const;
  // Empty, or why addresses behind interfaces are not known.
  const std::string& unusable_reason() const { return unusable_reason_; }

 private:
  struct Entry {
    std::string name;
    std::optional<std::int32_t> peer_network;
    EventTime first = 0;
    std::vector<IpAddress> addresses;
  };

  InterfaceFollower(LinkTable links, Netlink questions) : links_(std::move(links)), questions_(std::move(questions)) {}
  bool take_links(EventTime now);
  bool ask_addresses(Entry& entry);
  bool waits_for_addresses(const Entry& entry, EventTime now) const;

  LinkTable links_;
  Netlink questions_;
  std::map<std::uint32_t, Entry> entries_;
  EventTime reconciled_ = 0;
  EventTime asked_ = 0;
  std::string unusable_reason_;
};

}  // namespace audio_latency
