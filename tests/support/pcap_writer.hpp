// SPDX-License-Identifier: Apache-2.0
// Capture files for tests, in memory: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace audio_latency::test {

// LINKTYPE_ values as written to files (tcpdump.org/linktypes.html).
enum LinkType : std::uint32_t {
  kLinkNull = 0,
  kLinkEthernet = 1,
  kLinkRaw = 101,
  kLinkLoop = 108,
  kLinkSll = 113,
  kLinkIpv4 = 228,
  kLinkIpv6 = 229,
  kLinkSll2 = 276,
};

struct PcapFormat {
  LinkType link = kLinkEthernet;
  bool nanoseconds = true;
  bool big_endian = false;
  std::uint32_t snaplen = 262'144;  // longer packets are cut, their wire length is kept
};

class PcapWriter {
 public:
  explicit PcapWriter(PcapFormat format = {});
  void add(std::uint64_t time_ns, std::string_view packet);
  const std::string& bytes() const { return bytes_; }
  void save(const std::string& path) const;

 private:
  void put32(std::uint32_t value);
  void put16(std::uint16_t value);

  PcapFormat format_;
  std::string bytes_;
};

// One section, little-endian; nanosecond or microsecond time stamps by interface.
class PcapngWriter {
 public:
  PcapngWriter();
  std::uint32_t add_interface(LinkType link, bool nanoseconds = true);  // returns its number in the file
  void add(std::uint32_t interface, std::uint64_t time_ns, std::string_view packet);
  const std::string& bytes() const { return bytes_; }
  void save(const std::string& path) const;

 private:
  void block(std::uint32_t type, const std::string& body);

  std::string bytes_;
  std::string nanosecond_interfaces_;  // one character for each interface: '1' where in nanoseconds
};

}  // namespace audio_latency::test
