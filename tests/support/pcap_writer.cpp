// SPDX-License-Identifier: Apache-2.0
#include "support/pcap_writer.hpp"

#include <algorithm>
#include <fstream>

namespace audio_latency::test {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

void append(std::string& out, std::uint64_t value, int size, bool big_endian) {
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (big_endian ? size - 1 - i : i);
    out.push_back(static_cast<char>(value >> shift & 0xff));
  }
}

void save_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

}  // namespace

PcapWriter::PcapWriter(PcapFormat format) : format_(format) {
  put32(format.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
  put16(2);
  put16(4);
  put32(0);
  put32(0);
  put32(format.snaplen);
  put32(format.link);
}

void PcapWriter::put32(std::uint32_t value) {
  append(bytes_, value, 4, format_.big_endian);
}

void PcapWriter::put16(std::uint16_t value) {
  append(bytes_, value, 2, format_.big_endian);
}

void PcapWriter::add(std::uint64_t time_ns, std::string_view packet) {
  const auto fraction = time_ns % kSecond;
  const auto captured = std::min<std::size_t>(packet.size(), format_.snaplen);
  put32(static_cast<std::uint32_t>(time_ns / kSecond));
  put32(static_cast<std::uint32_t>(format_.nanoseconds ? fraction : fraction / 1000));
  put32(static_cast<std::uint32_t>(captured));
  put32(static_cast<std::uint32_t>(packet.size()));
  bytes_.append(packet.substr(0, captured));
}

void PcapWriter::save(const std::string& path) const {
  save_bytes(path, bytes_);
}

PcapngWriter::PcapngWriter() {
  std::string body;
  append(body, 0x1a2b3c4d, 4, false);
  append(body, 1, 2, false);
  append(body, 0, 2, false);
  append(body, ~0ULL, 8, false);  // section length: not specified
  block(0x0a0d0d0a, body);
}

void PcapngWriter::block(std::uint32_t type, const std::string& body) {
  const std::string content = padded(body);
  append(bytes_, type, 4, false);
  append(bytes_, content.size() + 12, 4, false);
  bytes_ += content;
  append(bytes_, content.size() + 12, 4, false);
}

std::uint32_t PcapngWriter::add_interface(LinkType link, bool nanoseconds) {
  std::string body;
  append(body, link, 2, false);
  append(body, 0, 2, false);
  append(body, 262'144, 4, false);
  append(body, 9, 2, false);  // if_tsresol: 10^-9 or 10^-6 s
  append(body, 1, 2, false);
  append(body, nanoseconds ? 9 : 6, 4, false);
  append(body, 0, 4, false);  // opt_endofopt
  block(1, body);
  nanosecond_interfaces_.push_back(nanoseconds ? '1' : '0');
  return static_cast<std::uint32_t>(nanosecond_interfaces_.size() - 1);
}

void PcapngWriter::add(std::uint32_t interface, std::uint64_t time_ns, std::string_view packet) {
  const std::uint64_t stamp = nanosecond_interfaces_.at(interface) == '1' ? time_ns : time_ns / 1000;
  std::string body;
  append(body, interface, 4, false);
  append(body, stamp >> 32, 4, false);
  append(body, stamp & 0xffffffff, 4, false);
  append(body, packet.size(), 4, false);
  append(body, packet.size(), 4, false);
  body.append(packet);
  block(6, body);
}

void PcapngWriter::save(const std::string& path) const {
  save_bytes(path, bytes_);
}

}  // namespace audio_latency::test
