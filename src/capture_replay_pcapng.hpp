// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>

namespace audio_latency {

// Which interface of a pcapng file each packet came from: libpcap reads the packets but does not tell. Walks the block
// headers (draft-ietf-opsawg-pcapng §3.1) beside libpcap, one packet block a call; touches no payload.
class PcapngInterfaces {
 public:
  PcapngInterfaces() = default;  // one interface, number 0
  explicit PcapngInterfaces(std::span<const std::uint8_t> file);
  // Maps the file behind `file`; where that can't be done (a pipe), every packet is of interface 0.
  static PcapngInterfaces map(std::FILE* file);

  // Number, over the whole file, of the next packet's interface; 0 in a pcap file and behind anything implausible.
  std::uint32_t next();

 private:
  std::uint32_t read(std::size_t offset, int size) const;
  void enter_section();

  std::shared_ptr<const void> mapping_;
  std::span<const std::uint8_t> rest_;
  bool big_endian_ = false;
  std::uint32_t seen_ = 0;           // interfaces described so far
  std::uint32_t section_first_ = 0;  // number of this section's interface 0
};

}  // namespace audio_latency
