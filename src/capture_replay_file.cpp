// SPDX-License-Identifier: Apache-2.0
#include "capture_replay_file.hpp"

#include <pcap/pcap.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace audio_latency {
namespace {

constexpr std::size_t kReadAhead = 1 << 20;
constexpr std::uint64_t kSecond = 1'000'000'000;

Error unreadable(const std::string& name, const std::string& reason) {
  return {"The capture file " + name + " can't be read: " + reason + "; pcap and pcapng files are allowed."};
}

std::string link_name(int dlt) {
  const char* name = pcap_datalink_val_to_name(dlt);
  return name != nullptr ? name : std::to_string(dlt);
}

// pcap counts seconds in 32 bits without a sign; the library reads them with one (up to 1.10).
std::uint64_t seconds_of(time_t seconds) {
  return seconds < 0 ? static_cast<std::uint32_t>(seconds) : static_cast<std::uint64_t>(seconds);
}

}  // namespace

void CaptureFile::PcapCloser::operator()(pcap* handle) const {
  pcap_close(handle);
}

CaptureFile::CaptureFile(std::unique_ptr<pcap, PcapCloser> handle, std::string name, int link_type,
                         PcapngInterfaces interfaces)
    : handle_(std::move(handle)), name_(std::move(name)), link_type_(link_type), interfaces_(std::move(interfaces)) {}

Result<std::unique_ptr<CaptureFile>> CaptureFile::open(const std::string& path) {
  FileHandle file(std::fopen(path.c_str(), "rbe"));
  if (!file) return unreadable(path, std::strerror(errno));
  return open(std::move(file), path);
}

Result<std::unique_ptr<CaptureFile>> CaptureFile::open(FileHandle file, std::string name) {
  std::setvbuf(file.get(), nullptr, _IOFBF, kReadAhead);
  PcapngInterfaces interfaces = PcapngInterfaces::map(file.get());
  std::array<char, PCAP_ERRBUF_SIZE> reason{};
  std::unique_ptr<pcap, PcapCloser> handle(
      pcap_fopen_offline_with_tstamp_precision(file.get(), PCAP_TSTAMP_PRECISION_NANO, reason.data()));
  if (!handle) return unreadable(name, reason.data());
  static_cast<void>(file.release());  // pcap_close closes it
  const int dlt = pcap_datalink(handle.get());
  if (!link_type_supported(dlt)) {
    return Error{"The capture file " + name + " has link type " + link_name(dlt) +
                 "; Ethernet, Linux cooked (v1, v2), raw IP and BSD loopback are allowed."};
  }
  return std::unique_ptr<CaptureFile>(new CaptureFile(std::move(handle), std::move(name), dlt, std::move(interfaces)));
}

Result<bool> CaptureFile::next(CapturedPacket& packet) {
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* bytes = nullptr;
  const int got = pcap_next_ex(handle_.get(), &header, &bytes);
  if (got == PCAP_ERROR_BREAK) return false;
  if (got != 1) {
    return Error{"The capture file " + name_ + " ends early or is corrupt: " + pcap_geterr(handle_.get()) +
                 "; what was read before is reported."};
  }
  packet = {};
  packet.uplink = !loopback();
  packet.loopback = loopback();
  packet.time = seconds_of(header->ts.tv_sec) * kSecond + static_cast<std::uint64_t>(header->ts.tv_usec);
  packet.bytes = {bytes, header->caplen};
  packet.wire_length = header->len;
  packet.point.interface = interfaces_.next();
  strip_link_header(link_type_, packet);
  return true;
}

}  // namespace audio_latency
