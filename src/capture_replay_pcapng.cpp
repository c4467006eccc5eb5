// SPDX-License-Identifier: Apache-2.0
#include "capture_replay_pcapng.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

namespace audio_latency {
namespace {

// Block types, draft-ietf-opsawg-pcapng §4.
constexpr std::uint32_t kSection = 0x0a0d0d0a;  // reads the same in both byte orders
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kObsoletePacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::size_t kSmallestBlock = 12;

}  // namespace

PcapngInterfaces::PcapngInterfaces(std::span<const std::uint8_t> file) : rest_(file) {
  if (file.size() < kSmallestBlock || read(0, 4) != kSection) rest_ = {};
}

PcapngInterfaces PcapngInterfaces::map(std::FILE* file) {
  struct stat info {};
  const int fd = fileno(file);
  if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) return {};
  const auto size = static_cast<std::size_t>(info.st_size);
  void* bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) return {};
  PcapngInterfaces interfaces(std::span{static_cast<const std::uint8_t*>(bytes), size});
  interfaces.mapping_ = std::shared_ptr<const void>(bytes, [size](void* mapped) { munmap(mapped, size); });
  return interfaces;
}

std::uint32_t PcapngInterfaces::read(std::size_t offset, int size) const {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) {
    const int shift = 8 * (big_endian_ ? size - 1 - i : i);
    value |= std::uint32_t{rest_[offset + static_cast<std::size_t>(i)]} << shift;
  }
  return value;
}

void PcapngInterfaces::enter_section() {
  big_endian_ = false;
  big_endian_ = read(8, 4) != 0x1a2b3c4d;
  section_first_ = seen_;
}

std::uint32_t PcapngInterfaces::next() {
  while (rest_.size() >= kSmallestBlock) {
    const std::uint32_t type = read(0, 4);
    if (type == kSection) enter_section();
    const std::uint32_t length = read(4, 4);
    if (length < kSmallestBlock || length > rest_.size()) break;
    std::uint32_t interface = section_first_;
    if (type == kEnhancedPacket) interface += read(8, 4);
    if (type == kObsoletePacket) interface += read(8, 2);
    if (type == kInterface) ++seen_;
    rest_ = rest_.subspan(length);
    if (type == kEnhancedPacket || type == kObsoletePacket || type == kSimplePacket) return interface;
  }
  rest_ = {};
  return 0;
}

}  // namespace audio_latency
