// SPDX-License-Identifier: Apache-2.0
#include "capture_interfaces.hpp"

#include <gmock/gmock.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "audio_latency/wire/settings.h"

namespace audio_latency {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Link link_named(const std::string& name, const std::string& kind = "", std::uint16_t hardware = ARPHRD_ETHER) {
  Link link;
  link.index = 7;
  link.name = name;
  link.kind = kind;
  link.hardware_type = hardware;
  return link;
}

InterfaceFilter filter_of(std::vector<std::string> interfaces) {
  Options options;
  options.interfaces = std::move(interfaces);
  return InterfaceFilter(options);
}

// A link message as the kernel writes it.
class LinkMessage {
 public:
  LinkMessage(std::uint16_t type, int index, unsigned char family = AF_UNSPEC) {
    auto& header = *reinterpret_cast<nlmsghdr*>(bytes_.data());
    header.nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
    header.nlmsg_type = type;
    auto& body = *static_cast<ifinfomsg*>(NLMSG_DATA(&header));
    body.ifi_family = family;
    body.ifi_type = ARPHRD_ETHER;
    body.ifi_index = index;
  }
  LinkMessage& attribute(std::uint16_t type, const std::string& value) {
    auto& header = *reinterpret_cast<nlmsghdr*>(bytes_.data());
    auto* at = reinterpret_cast<rtattr*>(bytes_.data() + NLMSG_ALIGN(header.nlmsg_len));
    at->rta_type = type;
    at->rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size()));
    std::memcpy(RTA_DATA(at), value.data(), value.size());
    header.nlmsg_len = NLMSG_ALIGN(header.nlmsg_len) + RTA_ALIGN(at->rta_len);
    return *this;
  }
  const nlmsghdr& get() const { return *reinterpret_cast<const nlmsghdr*>(bytes_.data()); }

 private:
  alignas(nlmsghdr) std::array<char, 512> bytes_{};
};

std::string nested(std::uint16_t type, const std::string& value) {
  std::string bytes(RTA_SPACE(value.size()), '\0');
  const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(value.size())), type};
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + RTA_LENGTH(0), value.data(), value.size());
  return bytes;
}

TEST(LinkMessages, FollowNewRenamedAndGoneDevices) {
  std::map<std::uint32_t, Link> links;
  LinkMessage added(RTM_NEWLINK, 3);
  added.attribute(IFLA_IFNAME, std::string("veth1\0", 6)).attribute(IFLA_LINKINFO, nested(IFLA_INFO_KIND, "veth"));
  apply_link_message(added.get(), links);
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[3].name, "veth1");
  EXPECT_EQ(links[3].kind, "veth");
  EXPECT_EQ(links[3].hardware_type, ARPHRD_ETHER);
  EXPECT_FALSE(links[3].peer_network);

  apply_link_message(
      LinkMessage(RTM_NEWLINK, 3).attribute(IFLA_IFNAME, "cali9").attribute(IFLA_LINK_NETNSID, "abcd").get(), links);
  EXPECT_EQ(links[3].name, "cali9");
  EXPECT_EQ(links[3].peer_network, 0x64636261);

  apply_link_message(LinkMessage(RTM_DELLINK, 3).get(), links);
  EXPECT_THAT(links, IsEmpty());
}

TEST(LinkMessages, LeavingABridgeIsNotTheEndOfADevice) {
  std::map<std::uint32_t, Link> links;
  apply_link_message(LinkMessage(RTM_NEWLINK, 3).attribute(IFLA_IFNAME, "veth1").get(), links);
  apply_link_message(LinkMessage(RTM_DELLINK, 3, AF_BRIDGE).get(), links);
  EXPECT_EQ(links.size(), 1u);
}

TEST(LinkMessages, OthersAndCutOnesChangeNothing) {
  std::map<std::uint32_t, Link> links;
  apply_link_message(LinkMessage(RTM_NEWADDR, 3).attribute(IFLA_IFNAME, "veth1").get(), links);
  nlmsghdr cut{};
  cut.nlmsg_type = RTM_NEWLINK;
  cut.nlmsg_len = sizeof cut;
  apply_link_message(cut, links);
  EXPECT_THAT(links, IsEmpty());
}

TEST(LinkLayers, AreToldByHardwareType) {
  EXPECT_EQ(link_layer(link_named("eth0")), LinkLayer::ethernet);
  EXPECT_EQ(link_layer(link_named("lo", "", ARPHRD_LOOPBACK)), LinkLayer::ethernet);
  EXPECT_EQ(link_layer(link_named("wg0", "wireguard", ARPHRD_NONE)), LinkLayer::ip);
  EXPECT_EQ(link_layer(link_named("tunl0", "ipip", ARPHRD_TUNNEL)), LinkLayer::ip);
  EXPECT_EQ(link_layer(link_named("can0", "", ARPHRD_CAN)), LinkLayer::unsupported);
}

TEST(InterfaceFlags, TunnelsEndOnUplinksOnly) {
  Link loopback = link_named("lo", "", ARPHRD_LOOPBACK);
  loopback.loopback = true;
  EXPECT_EQ(interface_flags(loopback, {"lo"}), AL_INTERFACE_LOOPBACK);
  EXPECT_EQ(interface_flags(link_named("eth0"), {}), AL_INTERFACE_UPLINK);
  EXPECT_EQ(interface_flags(link_named("cali1", "veth"), {"eth0"}), 0u);
  EXPECT_EQ(interface_flags(link_named("cni0", "bridge"), {"eth0"}), 0u);
  // Inside a container, or behind a bridge that the host itself uses.
  EXPECT_EQ(interface_flags(link_named("eth0", "veth"), {"eth0"}), AL_INTERFACE_UPLINK);
  EXPECT_EQ(interface_flags(link_named("br0", "bridge"), {"br0"}), AL_INTERFACE_UPLINK);
}

TEST(InterfaceFilters, TakeNamesAndGlobs) {
  const InterfaceFilter filter = filter_of({"eth0", "veth*", "lxc?"});
  EXPECT_TRUE(filter.wants(link_named("eth0"), {}));
  EXPECT_TRUE(filter.wants(link_named("veth12ab"), {}));
  EXPECT_TRUE(filter.wants(link_named("lxc1"), {}));
  EXPECT_FALSE(filter.wants(link_named("eth01"), {}));
  EXPECT_FALSE(filter.wants(link_named("lxc12"), {}));
  EXPECT_FALSE(filter.wants(link_named("xveth"), {}));
}

TEST(InterfaceFilters, AGlobPassesOverWhatCarriesNoPackets) {
  const Link can = link_named("can0", "", ARPHRD_CAN);
  EXPECT_FALSE(filter_of({"*"}).wants(can, {}));
  EXPECT_TRUE(filter_of({"can0"}).wants(can, {}));  // asked for by name: attaching says why not
}

TEST(InterfaceFilters, AutoTakesContainerEndsAndTheDefaultRoute) {
  const InterfaceFilter filter = filter_of({"auto"});
  Link pod = link_named("veth1", "veth");
  EXPECT_FALSE(filter.wants(pod, {"eth0"}));  // both ends here: not a container's
  pod.peer_network = 0;
  EXPECT_TRUE(filter.wants(pod, {"eth0"}));
  EXPECT_TRUE(filter.wants(link_named("eth0"), {"eth0"}));
  EXPECT_FALSE(filter.wants(link_named("eth1"), {"eth0"}));
}

TEST(InterfaceFilters, AutoKnowsTheNamesThatNetworkPluginsGive) {
  const InterfaceFilter filter = filter_of({"auto"});
  for (const char* name : {"cali0123456789a", "lxc01234567", "eni0a1b2c3d4e5", "azv0123456789"}) {
    EXPECT_TRUE(filter.wants(link_named(name, "veth"), {})) << name;
  }
  EXPECT_TRUE(filter.wants(link_named("lxc0", "netkit", ARPHRD_NONE), {}));
  EXPECT_FALSE(filter.wants(link_named("lxcbr0", "bridge"), {}));
  // They carry what the pods' own interfaces have shown already.
  for (const char* name : {"cni0", "docker0", "kcl0"})
    EXPECT_FALSE(filter.wants(link_named(name, "bridge"), {})) << name;
  EXPECT_FALSE(filter.wants(link_named("flannel.1", "vxlan"), {}));
}

TEST(Directions, DefaultIsIngressAndBothForAuto) {
  Options options;
  EXPECT_THAT(directions_of(options, filter_of({"eth0"})), ElementsAre(AL_INGRESS));
  EXPECT_THAT(directions_of(options, filter_of({"auto"})), ElementsAre(AL_INGRESS, AL_EGRESS));
  options.direction_defaulted = false;
  EXPECT_THAT(directions_of(options, filter_of({"auto"})), ElementsAre(AL_INGRESS));
  options.direction = DirectionOption::egress;
  EXPECT_THAT(directions_of(options, filter_of({"eth0"})), ElementsAre(AL_EGRESS));
  options.direction = DirectionOption::both;
  EXPECT_THAT(directions_of(options, filter_of({"eth0"})), ElementsAre(AL_INGRESS, AL_EGRESS));
}

class DefaultRoutes : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ / "net"); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& file, const std::string& text) { std::ofstream(root_ / "net" / file) << text; }

  // Tests of one run are separate processes, side by side.
  std::filesystem::path root_ =
      std::filesystem::path(::testing::TempDir()) / ("default-routes-test-" + std::to_string(getpid()));
};

TEST_F(DefaultRoutes, AreOrderedByMetricWithinAFamily) {
  write("route",
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "eth1\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth2\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
  const std::string zero(32, '0');
  write("ipv6_route", zero + " 00 " + zero +
                          " 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth6\n" + zero +
                          " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200       lo\n");
  EXPECT_THAT(default_route_interfaces(root_), ElementsAre("eth1", "wlan0", "eth6"));
}

TEST_F(DefaultRoutes, AreNoneWhereTheFilesAreMissing) {
  EXPECT_THAT(default_route_interfaces(root_ / "nowhere"), IsEmpty());
}

TEST(LinkTables, KnowThisMachinesLoopback) {
  auto table = LinkTable::open();
  ASSERT_TRUE(table.ok()) << table.error().message;
  const Link* loopback = table->find("lo");
  ASSERT_NE(loopback, nullptr);
  EXPECT_TRUE(loopback->loopback);
  EXPECT_EQ(loopback->hardware_type, ARPHRD_LOOPBACK);
  EXPECT_TRUE(table->update().ok());
  EXPECT_THAT(filter_of({"lo", "no-such-device", "any*"}).missing(*table), ElementsAre("no-such-device"));
}

}  // namespace
}  // namespace audio_latency
