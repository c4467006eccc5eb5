// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "audio_latency/wire/flow.h"
#include "audio_latency/wire/settings.h"
#include "capture_scanner.hpp"

namespace audio_latency {

// Flow table of the packet scanner: the twin of bpf/flow.h, with the same quota and the same counters. One thread.
class ScannerFlows {
 public:
  ScannerFlows(const al_settings& settings, al_counters& counters) : settings_(settings), counters_(counters) {}

  // The flow with its selectivity brought up to date. Null: not there and not to be made, or refused, which is counted.
  // A new one is of a port of this format.
  al_flow* find(const al_flow_key& key, const CapturedPacket& captured, bool create, al_format format);
  // As it is; null: not there.
  al_flow* look_up(const al_flow_key& key);
  // Forgets flows that were not seen for `timeout`, and what may go earlier (flow_relief.hpp).
  void age(EventTime now, EventTime timeout);
  std::uint64_t relieved() const { return relieved_; }  // flows that went earlier, ever
  std::size_t size() const { return flows_.size(); }

 private:
  template <typename Key>
  struct HashBytes {
    std::size_t operator()(const Key& key) const {
      return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof key});
    }
  };
  template <typename Key>
  struct EqualBytes {
    bool operator()(const Key& a, const Key& b) const { return std::memcmp(&a, &b, sizeof a) == 0; }
  };
  template <typename Key, typename Value>
  using Table = std::unordered_map<Key, Value, HashBytes<Key>, EqualBytes<Key>>;

  using FlowMap = Table<al_flow_key, al_flow>;

  FlowMap::iterator forget(FlowMap::iterator flow);
  void relieve_table(EventTime now);
  al_flow* make(const al_flow_key& key, const CapturedPacket& captured, al_format format);

  const al_settings& settings_;
  al_counters& counters_;
  FlowMap flows_;
  Table<al_sender_key, std::uint32_t> senders_;
  std::uint64_t relieved_ = 0;
};

}  // namespace audio_latency
