// SPDX-License-Identifier: Apache-2.0
#include "capture_counters_ledger.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cstring>

#include "capture_counters.hpp"
#include "capture_interfaces.hpp"

namespace audio_latency {
namespace {

static_assert(sizeof(al_interface) % sizeof(std::uint64_t) == 0, "the kernel rounds per-CPU values up to 8 bytes");
const char* const kGone = "gone";

}  // namespace

KernelInterfaceEntries::KernelInterfaceEntries(FdView map)
    : map_(map), cpus_(static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus()))) {
  bpf_map_info info{};
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(map.get(), &info, &size) == 0) slots_ = info.max_entries;
}

// A free slot has index 0, which no device has.
std::optional<std::uint32_t> KernelInterfaceEntries::find(InterfaceKey owner, InterfaceKey key) const {
  std::vector<al_interface> values(cpus_);
  for (std::uint32_t probe = 0; probe < AL_INTERFACE_PROBES; ++probe) {
    const std::uint32_t slot = al_interface_slot(key.first, static_cast<std::uint32_t>(key.second), probe, slots_);
    if (bpf_map_lookup_elem(map_.get(), &slot, values.data()) < 0) return std::nullopt;
    const al_interface& found = values.front();
    if (found.index == owner.first && (owner.first == 0 || found.direction == owner.second)) return slot;
  }
  return std::nullopt;
}

Status KernelInterfaceEntries::add(InterfaceKey key, std::uint64_t flags) {
  auto slot = find(key, key);
  if (!slot) slot = find({}, key);
  if (!slot) return Error{"the kernel program's table has no room for this interface"};
  al_interface fresh{};
  fresh.index = key.first;
  fresh.direction = static_cast<std::uint32_t>(key.second);
  fresh.flags = flags;
  const std::vector<al_interface> values(cpus_, fresh);
  const int status = bpf_map_update_elem(map_.get(), &*slot, values.data(), BPF_ANY);
  if (status < 0) return Error{std::string("cannot add to the table of interfaces: ") + std::strerror(-status)};
  return success();
}

void KernelInterfaceEntries::remove(InterfaceKey key) {
  const auto slot = find(key, key);
  if (!slot) return;
  const std::vector<al_interface> free(cpus_);
  bpf_map_update_elem(map_.get(), &*slot, free.data(), BPF_ANY);
}

std::optional<al_counters> KernelInterfaceEntries::read(InterfaceKey key) const {
  const auto slot = find(key, key);
  std::vector<al_interface> values(cpus_);
  if (!slot || bpf_map_lookup_elem(map_.get(), &*slot, values.data()) < 0) return std::nullopt;
  al_counters sum{};
  for (const al_interface& value : values) audio_latency::add(sum, value.counters);
  return sum;
}

Status CounterLedger::start(InterfaceKey key, const std::string& name, std::uint64_t flags) {
  if (auto added = entries_.add(key, flags); !added) return added;
  running_[key] = {name, {}};
  return success();
}

void CounterLedger::rename(InterfaceKey key, const std::string& name) {
  const auto at = running_.find(key);
  if (at == running_.end()) return;
  const al_counters now = entries_.read(key).value_or(at->second.before);
  settle(key, at->second, now);
  at->second = {name, now};
}

void CounterLedger::stop(InterfaceKey key) {
  const auto at = running_.find(key);
  if (at == running_.end()) return;
  const Running last = at->second;
  running_.erase(at);
  settle(key, last, entries_.read(key).value_or(last.before));
  entries_.remove(key);
}

std::vector<InterfaceCounters> CounterLedger::totals() const {
  std::map<NameKey, al_counters> sums = settled_;
  for (const auto& [key, running] : running_) {
    al_counters counters = entries_.read(key).value_or(running.before);
    subtract(counters, running.before);
    add(sums[{running.name, key.second}], counters);
  }
  std::vector<InterfaceCounters> list;
  list.reserve(sums.size());
  for (const auto& [name, counters] : sums) list.push_back({name.first, direction_name(name.second), counters});
  return list;
}

void CounterLedger::settle(InterfaceKey key, const Running& running, al_counters now) {
  subtract(now, running.before);
  const NameKey name{running.name, key.second};
  const auto [at, fresh] = settled_.try_emplace(name);
  add(at->second, now);
  if (fresh) order_.push_back(name);
  if (order_.size() > maximum_gone_) forget_oldest();
}

void CounterLedger::forget_oldest() {
  const auto at = std::find_if(order_.begin(), order_.end(), [this](const NameKey& name) { return !is_running(name); });
  if (at == order_.end()) return;
  const auto settled = settled_.find(*at);
  add(settled_[{kGone, at->second}], settled->second);
  settled_.erase(settled);
  order_.erase(at);
}

bool CounterLedger::is_running(const NameKey& name) const {
  return std::any_of(running_.begin(), running_.end(),
                     [&](const auto& at) { return at.second.name == name.first && at.first.second == name.second; });
}

}  // namespace audio_latency
