// SPDX-License-Identifier: Apache-2.0
// Any bytes as a capture file, as the packets of one, or as the blocks of one: reading and scanning must neither crash
// nor hang nor leak. The first byte chooses which.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "capture_replay.hpp"
#include "support/pcap_writer.hpp"

namespace audio_latency {
namespace {

struct Ignored : ObservationSink {
  void on_observation(const Observation&) override {}
};

void replay(std::string bytes) {
  FileHandle file(fmemopen(bytes.data(), bytes.size(), "rb"));
  if (!file) return;
  auto opened = CaptureFile::open(std::move(file), "fuzz");
  if (!opened) return;
  std::vector<std::unique_ptr<CaptureFile>> files;
  files.push_back(std::move(*opened));
  ReplayCapture capture(Options{}, std::move(files), false);
  Ignored sink;
  for (;;) {
    const auto more = capture.drain(sink);
    if (!more || !*more) return;
  }
}

// The bytes as packets, each behind a byte of length, in a file of a link type that the first byte chooses.
std::string as_pcap(std::span<const std::uint8_t> bytes) {
  static constexpr test::LinkType kLinks[] = {test::kLinkEthernet, test::kLinkRaw,  test::kLinkSll,
                                              test::kLinkSll2,     test::kLinkNull, test::kLinkLoop};
  test::PcapWriter writer({.link = kLinks[bytes[0] % std::size(kLinks)], .big_endian = bytes[0] >= 0x80});
  std::uint64_t time = 1;
  for (bytes = bytes.subspan(1); !bytes.empty(); time += 20'000'000) {
    const std::size_t length = std::min<std::size_t>(bytes[0], bytes.size() - 1);
    writer.add(time, {reinterpret_cast<const char*>(bytes.data()) + 1, length});
    bytes = bytes.subspan(1 + length);
  }
  return writer.bytes();
}

// The bytes as blocks behind a section with two interfaces and a packet.
std::string as_pcapng(std::span<const std::uint8_t> bytes) {
  test::PcapngWriter writer;
  writer.add_interface(test::kLinkEthernet);
  writer.add(writer.add_interface(test::kLinkEthernet, false), 1, std::string(60, 'x'));
  return writer.bytes() + std::string(bytes.begin(), bytes.end());
}

}  // namespace
}  // namespace audio_latency

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;  // NOLINT(google-build-using-namespace)
  if (size < 2) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (data[0] % 4 == 1) {
    replay(as_pcap(rest));
  } else if (data[0] % 4 == 2) {
    replay(as_pcapng(rest));
  } else {
    replay({rest.begin(), rest.end()});
  }
  return 0;
}
