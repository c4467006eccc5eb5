// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "audio_latency/result.hpp"
#include "capture_replay_link.hpp"
#include "capture_replay_pcapng.hpp"

struct pcap;

namespace audio_latency {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FileHandle = std::unique_ptr<std::FILE, FileCloser>;

// One pcap or pcapng file, read packet by packet through libpcap. Time stamps in nanoseconds whatever the file's unit.
class CaptureFile {
 public:
  static Result<std::unique_ptr<CaptureFile>> open(const std::string& path);
  // `file` is at its beginning; `name` is what errors call it.
  static Result<std::unique_ptr<CaptureFile>> open(FileHandle file, std::string name);

  // False: the file has ended. Error: it is truncated or corrupt behind what was handed out so far. The packet is valid
  // until the next call.
  Result<bool> next(CapturedPacket& packet);

  const std::string& name() const { return name_; }
  bool loopback() const { return link_type_is_loopback(link_type_); }

 private:
  struct PcapCloser {
    void operator()(pcap* handle) const;
  };

  CaptureFile(std::unique_ptr<pcap, PcapCloser> handle, std::string name, int link_type, PcapngInterfaces interfaces);

  std::unique_ptr<pcap, PcapCloser> handle_;
  std::string name_;
  int link_type_;
  PcapngInterfaces interfaces_;
};

}  // namespace audio_latency
