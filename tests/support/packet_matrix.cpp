// SPDX-License-Identifier: Apache-2.0
#include "support/packet_matrix.hpp"

namespace audio_latency::test {
namespace {

void add_ethernet(std::vector<Case>& all, const Bytes& payload) {
  const auto udp4 = [&](Packet packet) { return packet.ipv4().udp(1000, 2000).payload(payload).build(); };
  all.push_back({"UDP over IPv4", udp4(Packet().ethernet())});
  all.push_back({"VLAN", udp4(Packet().ethernet().vlan(5))});
  all.push_back({"QinQ", udp4(Packet().ethernet().vlan(5, 0x88a8).vlan(6))});
  all.push_back({"three tags", udp4(Packet().ethernet().vlan(5, 0x88a8).vlan(6).vlan(7)), AL_UNSUPPORTED});
  all.push_back({"IPv4 device", udp4(Packet()), AL_SCANNED, false});
  all.push_back({"IPv6 device", Packet().ipv6().tcp(1000, 2000, 5).payload(payload).build(), AL_SCANNED, false});
  all.push_back({"TCP, options", Packet().ethernet().ipv4().tcp(1000, 2000, 5, 12).payload(payload).build()});
  all.push_back({"trailer", Packet().ethernet().ipv4().udp(1000, 2000).payload(payload).trailer(30).build()});
  all.push_back({"not IP", Packet().ethernet().payload(payload).build(), AL_UNSUPPORTED});
  all.push_back({"other port", Packet().ethernet().ipv4().udp(9998, 9999).payload(payload).build(), AL_PORT});
  all.push_back({"other port, TCP", Packet().ethernet().ipv4().tcp(9998, 9999, 1).payload(payload).build(), AL_PORT});
  all.push_back({"no payload", Packet().ethernet().ipv4().tcp(1000, 2000, 5).build(), AL_TOO_SMALL});
  all.push_back({"small", Packet().ethernet().ipv4().udp(1000, 2000).payload(Bytes(20, 1)).build(), AL_TOO_SMALL});
}

void add_ipv4(std::vector<Case>& all, const Bytes& payload) {
  const auto with = [&](const Ipv4Fields& fields, int udp_length = -1) {
    return Packet().ethernet().ipv4(fields).udp(1000, 2000, udp_length).payload(payload).build();
  };
  Ipv4Fields fields;
  fields.option_bytes = 40;
  all.push_back({"IPv4 options", with(fields)});
  fields = {};
  fields.fragment = 0x2000;
  all.push_back({"first fragment", with(fields, 4000)});
  fields.fragment = 0x2000 | 100;
  all.push_back({"later fragment", with(fields), AL_FRAGMENT});
  fields.fragment = 100;
  all.push_back({"last fragment", with(fields), AL_FRAGMENT});
  fields.fragment = 0x4000;
  all.push_back({"do not fragment", with(fields)});
  fields = {};
  fields.total_length = 0;
  all.push_back({"IPv4 length 0", with(fields)});
  fields.total_length = 5000;
  all.push_back({"IPv4 too long", with(fields), AL_MALFORMED});
  fields.total_length = 10;
  all.push_back({"IPv4 too short", with(fields), AL_MALFORMED});
  all.push_back({"UDP too long", with({}, 5000), AL_MALFORMED});
  all.push_back({"UDP too short", with({}, 7), AL_MALFORMED});
  all.push_back({"UDP length 0", with({}, 0)});
  Bytes cut = with({});
  cut.resize(40);
  all.push_back({"cut behind the IPv4 header", cut, AL_MALFORMED});
}

void add_ipv6(std::vector<Case>& all, const Bytes& payload) {
  const auto udp = [&](Packet packet) { return packet.udp(1000, 2000).payload(payload).build(); };
  all.push_back({"UDP over IPv6", udp(Packet().ethernet().ipv6())});
  all.push_back({"hop-by-hop", udp(Packet().ethernet().ipv6().extension(0, 16))});
  all.push_back({"four extension headers",
                 udp(Packet().ethernet().ipv6().extension(0).extension(43, 24).extension(60).extension(51, 24))});
  all.push_back({"IPv6 first fragment",
                 Packet().ethernet().ipv6().ipv6_fragment(1).udp(1000, 2000, 4000).payload(payload).build()});
  all.push_back({"IPv6 later fragment", udp(Packet().ethernet().ipv6().ipv6_fragment(0x208)), AL_FRAGMENT});
  Ipv6Fields fields;
  fields.payload_length = 0;
  all.push_back({"IPv6 length 0", udp(Packet().ethernet().ipv6(fields))});
  fields.payload_length = 6000;
  all.push_back({"IPv6 too long", udp(Packet().ethernet().ipv6(fields)), AL_MALFORMED});
  all.push_back({"no next header", Packet().ethernet().ipv6().extension(0).payload(payload).build(), AL_UNSUPPORTED});
}

void add_tunnels(std::vector<Case>& all, const Bytes& payload) {
  const auto inner = [&](Packet packet) { return packet.ipv4().udp(1000, 2000).payload(payload).build(); };
  const auto outer = [](std::uint16_t port) { return Packet().ethernet().ipv4().udp(3333, port); };
  const auto tunnel = [&](const std::string& name, Packet packet) {
    all.push_back({name, inner(packet), AL_SCANNED, true, true});
  };
  tunnel("VXLAN", outer(4789).vxlan().ethernet());
  tunnel("VXLAN over IPv6, VLAN inside", Packet().ethernet().ipv6().udp(3333, 4789).vxlan().ethernet().vlan(9));
  tunnel("Geneve", outer(6081).geneve().ethernet());
  tunnel("Geneve, options", outer(6081).geneve(64).ethernet());
  tunnel("Geneve, IPv4 inside", outer(6081).geneve(8, 0x0800));
}

}  // namespace

std::vector<Case> packet_matrix(const Bytes& payload) {
  std::vector<Case> all;
  add_ethernet(all, payload);
  add_ipv4(all, payload);
  add_ipv6(all, payload);
  add_tunnels(all, payload);
  return all;
}

}  // namespace audio_latency::test
