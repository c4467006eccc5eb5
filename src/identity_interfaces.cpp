// SPDX-License-Identifier: Apache-2.0
#include "identity_interfaces.hpp"

#include <linux/if_addr.h>
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

Result<InterfaceFollower> InterfaceFollower::create() {
  auto links = LinkTable::open();
  if (!links) return links.error();
  auto questions = Netlink::open();
  if (!questions) return questions.error();
  return InterfaceFollower(std::move(*links), std::move(*questions));
}

bool InterfaceFollower::refresh(EventTime now) {
  const bool reconcile = reconciled_ == 0 || now >= reconciled_ + kReconcile;
  const auto updated = links_.update();
  const Status read = reconcile ? links_.refresh() : success();
  if (reconcile) reconciled_ = now;
  if (!updated || !read) unusable_reason_ = (updated ? read.error() : updated.error()).message;
  bool changed = take_links(now);
  if (!changed && !reconcile && now < asked_ + kAskAgain) return false;
  asked_ = now;
  for (auto& [index, entry] : entries_) {
    if (reconcile || waits_for_addresses(entry, now)) changed = ask_addresses(entry) || changed;
  }
  return changed || reconcile;
}

bool InterfaceFollower::waits_for_addresses(const Entry& entry, EventTime now) const {
  return entry.peer_network && entry.addresses.empty() && now < entry.first + kAskFor;
}

EventTime InterfaceFollower::next_refresh() const {
  const bool waits = std::any_of(entries_.begin(), entries_.end(),
                                 [this](const auto& item) { return waits_for_addresses(item.second, asked_); });
  return waits ? asked_ + kAskAgain : reconciled_ + kReconcile;
}

// True: an interface came, went, or leads elsewhere now.
bool InterfaceFollower::take_links(EventTime now) {
  const auto& links = links_.links();
  bool changed = std::erase_if(entries_, [&links](const auto& item) { return !links.contains(item.first); }) > 0;
  for (const auto& [index, link] : links) {
    const auto [known, fresh] = entries_.try_emplace(index);
    Entry& entry = known->second;
    if (fresh || entry.peer_network != link.peer_network) {
      entry = {link.name, link.peer_network, now, {}};
      changed = true;
    }
    entry.name = link.name;
  }
  return changed;
}

bool InterfaceFollower::ask_addresses(Entry& entry) {
  if (!entry.peer_network) return false;
  const std::int32_t network = *entry.peer_network;
  NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  request.attribute(IFA_TARGET_NETNSID, &network, sizeof network);
  std::vector<IpAddress> addresses;
  const auto asked = questions_.ask(std::move(request), [&addresses, network](const nlmsghdr& message) {
    const NetlinkAttributes attributes(message, sizeof(ifaddrmsg));
    // An older kernel ignores the request's namespace and answers with this one's addresses.
    if (attributes.number<std::int32_t>(IFA_TARGET_NETNSID) != network) return;
    const auto bytes = attributes.bytes(IFA_LOCAL) ? attributes.bytes(IFA_LOCAL) : attributes.bytes(IFA_ADDRESS);
    const auto ip = bytes ? address_of(*bytes) : std::nullopt;
    if (ip && !ip->is_loopback()) addresses.push_back(*ip);
  });
  if (!asked) {
    unusable_reason_ = "the addresses behind interface " + entry.name + " are not known: " + asked.error().message;
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
    if (entry.peer_network) found.push_back({index, *entry.peer_network, entry.addresses});
  }
  return found;
}

std::vector<std::uint32_t> InterfaceFollower::others() const {
  std::vector<std::uint32_t> found;
  for (const auto& [index, entry] : entries_) {
    if (!entry.peer_network) found.push_back(index);
  }
  return found;
}

}  // namespace audio_latency
