// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "identity_snapshot.hpp"
#include "netlink.hpp"

namespace audio_latency {

// Where packets to a translated address (a ClusterIP, a published port) really go: asked of the kernel's connection
// tracking, flow by flow, where it is in use. `request` is the reader's; everything else the refresher thread's.
class TranslationDirectory {
 public:
  explicit TranslationDirectory(std::string proc = "/proc") : proc_(std::move(proc)) { wanted_.reserve(kWanted); }

  // Never waits, never allocates: where it can't take it, the next packet asks again. True: it is the first one since
  // `refresh` that is to be known soon.
  bool request(const SocketKey& flow, bool soon);

  // Something is to be known soon.
  bool hurries() const;
  // Asks for what was requested. True: the table is another one.
  bool refresh(EventTime now);
  std::shared_ptr<const TranslationTable> table() const;

 private:
  static constexpr std::size_t kWanted = 1024;  // flows asked for at a time
  static constexpr std::size_t kKnown = 4096;   // flows known
  struct Hash {
    std::size_t operator()(const SocketKey& flow) const;
  };

  bool in_use() const;

  const std::string proc_;
  std::optional<Netlink> tracking_;
  std::unordered_map<SocketKey, Translation, Hash> known_;
  mutable std::mutex mutex_;
  std::vector<SocketKey> wanted_;
  std::bitset<4 * kWanted> requested_;  // by hash: each packet of a flow asks
  bool hurries_ = false;
};

}  // namespace audio_latency
