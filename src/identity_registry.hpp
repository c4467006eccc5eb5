// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "audio_latency/endpoint.hpp"

namespace audio_latency {

// Ids for endpoints that come and go. An id carries a generation, so one that was recycled is never taken for its new
// owner. Any thread may call anything; `find` is lock-free.
class EndpointRegistry {
 public:
  // Ids of this registry have the highest bit set; those of static names have not.
  static constexpr EndpointId kMark = 1U << 31;
  static constexpr std::uint32_t kIndexBits = 20;     // 1,048,576 endpoints
  static constexpr EventTime kKept = 60'000'000'000;  // ns that a released id stays valid: late events

  EndpointRegistry();
  ~EndpointRegistry();
  EndpointRegistry(const EndpointRegistry&) = delete;
  EndpointRegistry& operator=(const EndpointRegistry&) = delete;

  // The id of the owner that `key` tells apart from all others (kind and UID); what is known of it is updated. 0: full.
  EndpointId acquire(std::string_view key, Endpoint endpoint);
  // 0: unknown.
  EndpointId id_of(std::string_view key) const;
  // The owner is gone at `now`: its id stays valid for kKept, unless it comes back.
  void release(EndpointId id, EventTime now);
  // Recycles what was released long enough ago.
  void collect(EventTime now);

  // nullptr for an id that is gone. The endpoint lives for kKept after it was replaced or recycled.
  const Endpoint* find(EndpointId id) const;
  std::size_t size() const;

 private:
  static constexpr std::uint32_t kChunk = 1024;
  struct Slot {
    std::atomic<const Endpoint*> endpoint{nullptr};
    std::atomic<EndpointId> id{0};
    std::uint64_t key = 0;
    EventTime released = 0;  // 0: in use
  };
  using Chunk = std::array<Slot, kChunk>;

  static std::uint64_t hash(std::string_view key);
  Slot* slot_of(EndpointId id) const;
  Slot* allocate();
  void bury(const Endpoint* endpoint);

  std::array<std::atomic<Chunk*>, (1U << kIndexBits) / kChunk> chunks_{};
  mutable std::mutex mutex_;  // everything below
  std::unordered_map<std::uint64_t, EndpointId> by_key_;
  std::vector<std::uint32_t> free_;
  std::uint32_t used_ = 0;  // indexes ever given out
  std::deque<std::pair<EventTime, EndpointId>> released_;
  std::vector<std::unique_ptr<const Endpoint>> fresh_graves_;  // buried since the last collect
  std::deque<std::pair<EventTime, std::unique_ptr<const Endpoint>>> graves_;
};

}  // namespace audio_latency
