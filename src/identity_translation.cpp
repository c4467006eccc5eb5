// SPDX-License-Identifier: Apache-2.0
#include "identity_translation.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace audio_latency {
namespace {

constexpr EventTime kForget = 60'000'000'000;  // not asked for any more

void add_address(NetlinkRequest& request, const IpAddress& ip, std::uint16_t v4, std::uint16_t v6) {
  if (ip.is_ipv4()) return request.attribute(v4, ip.bytes.data() + 12, 4);
  request.attribute(v6, ip.bytes.data(), 16);
}

NetlinkRequest lookup(const SocketKey& flow) {
  const std::uint16_t source_port = htons(flow.local_port);
  const std::uint16_t dest_port = htons(flow.remote_port);
  const auto protocol = static_cast<std::uint8_t>(flow.protocol);
  const nfgenmsg body{static_cast<std::uint8_t>(flow.remote.is_ipv4() ? AF_INET : AF_INET6), NFNETLINK_V0, 0};
  NetlinkRequest request(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, 0, body);
  const std::size_t tuple = request.begin_nested(CTA_TUPLE_ORIG);
  const std::size_t addresses = request.begin_nested(CTA_TUPLE_IP);
  add_address(request, flow.local, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  add_address(request, flow.remote, CTA_IP_V4_DST, CTA_IP_V6_DST);
  request.end_nested(addresses);
  const std::size_t ports = request.begin_nested(CTA_TUPLE_PROTO);
  request.attribute(CTA_PROTO_NUM, &protocol, sizeof protocol);
  request.attribute(CTA_PROTO_SRC_PORT, &source_port, sizeof source_port);
  request.attribute(CTA_PROTO_DST_PORT, &dest_port, sizeof dest_port);
  request.end_nested(ports);
  request.end_nested(tuple);
  return request;
}

// Who answers is who is really spoken to.
std::optional<SocketAddress> answering(const nlmsghdr& message) {
  const NetlinkAttributes reply = NetlinkAttributes(message, sizeof(nfgenmsg)).nested(CTA_TUPLE_REPLY);
  const auto v4 = reply.nested(CTA_TUPLE_IP).number<std::uint32_t>(CTA_IP_V4_SRC);
  const auto v6 = reply.nested(CTA_TUPLE_IP).bytes(CTA_IP_V6_SRC);
  const auto port = reply.nested(CTA_TUPLE_PROTO).number<std::uint16_t>(CTA_PROTO_SRC_PORT);
  if (!port || (!v4 && (!v6 || v6->size() != 16))) return std::nullopt;
  SocketAddress address{{}, ntohs(*port)};
  if (v4) {
    address.ip = IpAddress::from_ipv4(ntohl(*v4));
  } else {
    std::memcpy(address.ip.bytes.data(), v6->data(), 16);
  }
  return address;
}

}  // namespace

std::size_t TranslationDirectory::Hash::operator()(const SocketKey& flow) const {
  return XXH3_64bits_withSeed(&flow, sizeof flow, identity_hash_seed());
}

bool TranslationDirectory::request(const SocketKey& flow, bool soon) {
  const std::size_t bit = Hash()(flow) % requested_.size();
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || (requested_[bit] && (!soon || hurries_))) return false;
  if (wanted_.size() < kWanted) {
    requested_.set(bit);
    wanted_.push_back(flow);
  }
  return soon && !std::exchange(hurries_, true);
}

bool TranslationDirectory::hurries() const {
  const std::lock_guard lock(mutex_);
  return hurries_;
}

// Asking must not be what loads the kernel's modules.
bool TranslationDirectory::in_use() const {
  return access((proc_ + "/sys/net/netfilter/nf_conntrack_count").c_str(), R_OK) == 0;
}

bool TranslationDirectory::refresh(EventTime now) {
  std::vector<SocketKey> wanted;
  wanted.reserve(kWanted);
  {
    const std::lock_guard lock(mutex_);
    wanted.swap(wanted_);
    requested_.reset();
    hurries_ = false;
  }
  bool changed = std::erase_if(known_, [now](const auto& each) { return each.second.asked + kForget <= now; }) > 0;
  if (wanted.empty()) return changed;
  if (!tracking_ && in_use()) {
    if (auto opened = Netlink::open(NETLINK_NETFILTER)) tracking_.emplace(std::move(*opened));
  }
  for (const SocketKey& flow : wanted) {
    const auto known = known_.find(flow);
    const bool full = known == known_.end() && known_.size() >= kKnown;
    if (full || (known != known_.end() && known->second.asked == now)) continue;
    Translation& translation = known_[flow] = {{}, now};
    if (!tracking_) continue;
    // An error says that the flow is not tracked: then nobody translates it.
    [[maybe_unused]] const Status asked = tracking_->ask(lookup(flow), [&](const nlmsghdr& message) {
      const auto address = answering(message);
      if (address && *address != SocketAddress{flow.remote, flow.remote_port}) translation.to = *address;
    });
  }
  return true;
}

std::shared_ptr<const TranslationTable> TranslationDirectory::table() const {
  auto table = std::make_shared<TranslationTable>(known_.size());
  for (const auto& [flow, translation] : known_) table->insert(flow) = translation;
  return table;
}

}  // namespace audio_latency
