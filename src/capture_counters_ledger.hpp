// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audio_latency/result.hpp"
#include "capture_live.hpp"
#include "fd.hpp"

namespace audio_latency {

using InterfaceKey = std::pair<std::uint32_t, al_direction>;  // interface index and direction

// The kernel's table of attached devices. A second implementation stands in for it in tests.
class InterfaceEntries {
 public:
  virtual ~InterfaceEntries() = default;
  virtual Status add(InterfaceKey key, std::uint64_t flags) = 0;
  virtual void remove(InterfaceKey key) = 0;
  virtual std::optional<al_counters> read(InterfaceKey key) const = 0;  // summed over CPUs
};

// Map `interfaces` of the loaded program, which outlives this object.
class KernelInterfaceEntries : public InterfaceEntries {
 public:
  explicit KernelInterfaceEntries(FdView map);
  Status add(InterfaceKey key, std::uint64_t flags) override;
  void remove(InterfaceKey key) override;
  std::optional<al_counters> read(InterfaceKey key) const override;

 private:
  // Slot of those where `key` may lie that belongs to `owner`.
  std::optional<std::uint32_t> find(InterfaceKey owner, InterfaceKey key) const;

  FdView map_;
  std::size_t cpus_;
  std::uint32_t slots_ = AL_INTERFACE_SLOTS;
};

// Counters by interface name, which never fall: those of devices that are gone, or had another name, are kept. Of more
// than `maximum_gone` such names the oldest are added up under the name "gone", so that container churn stays bounded.
class CounterLedger {
 public:
  explicit CounterLedger(InterfaceEntries& entries, std::size_t maximum_gone = 1024)
      : entries_(entries), maximum_gone_(maximum_gone) {}

  Status start(InterfaceKey key, const std::string& name, std::uint64_t flags);
  // What is counted from now on belongs to the new name.
  void rename(InterfaceKey key, const std::string& name);
  void stop(InterfaceKey key);
  std::vector<InterfaceCounters> totals() const;

 private:
  using NameKey = std::pair<std::string, al_direction>;
  struct Running {
    std::string name;
    al_counters before{};  // what the entry had counted when it got this name
  };

  void settle(InterfaceKey key, const Running& running, al_counters now);
  void forget_oldest();
  bool is_running(const NameKey& name) const;

  InterfaceEntries& entries_;
  std::size_t maximum_gone_;
  std::map<InterfaceKey, Running> running_;
  std::map<NameKey, al_counters> settled_;
  std::deque<NameKey> order_;  // of `settled_`, oldest first
};

}  // namespace audio_latency
