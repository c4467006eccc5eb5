// SPDX-License-Identifier: Apache-2.0
#include "capture_flows.hpp"

#include <bpf/bpf.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audio_latency/wire/flow.h"
#include "flow_relief.hpp"

namespace audio_latency {
namespace {

constexpr std::uint32_t kBatch = 1024;
constexpr std::size_t kLongestCursor = 64;  // the kernel keeps its position in as many bytes as a key has

using SenderBytes = std::array<std::uint8_t, sizeof(al_sender_key)>;

struct IdleEntry {
  al_flow_key key;
  std::uint32_t* held;  // entries of its sender
};

// Hands over every entry of a hash map, some thousand at a time (Linux 5.6). Entries may be deleted on the way.
template <typename Key, typename Value, typename Visitor>
Status for_each_entry(FdView map, Visitor visit) {
  static_assert(sizeof(Key) <= kLongestCursor);
  std::vector<Key> keys(kBatch);
  std::vector<Value> values(kBatch);
  std::array<std::uint8_t, kLongestCursor> position{};
  bool first = true;
  for (int status = 0; status == 0; first = false) {
    std::uint32_t count = kBatch;
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    status = bpf_map_lookup_batch(map.get(), first ? nullptr : position.data(), position.data(), keys.data(),
                                  values.data(), &count, &options);
    if (status < 0 && status != -ENOENT) {
      return Error{std::string("cannot read the flow table: ") + std::strerror(-status)};
    }
    for (std::uint32_t i = 0; i < count; ++i) visit(keys[i], values[i]);
  }
  return success();
}

SenderBytes bytes_of(const al_sender_key& sender) {
  SenderBytes bytes;
  std::memcpy(bytes.data(), &sender, sizeof sender);
  return bytes;
}

}  // namespace

// Of what goes early and comes back, the first bytes are shown to the daemon, as of a new flow.
Result<std::size_t> FlowAger::age(EventTime now) {
  std::map<SenderBytes, std::uint32_t> held;
  std::vector<IdleEntry> idle;
  std::vector<DispensableFlow> dispensable;
  std::size_t left = 0;
  auto walked =
      for_each_entry<al_flow_key, al_flow_slot>(flows_, [&](const al_flow_key& key, const al_flow_slot& slot) {
        const al_flow& flow = slot.flow;
        if (flow.last_seen_ns + timeout_ns_ < now) {
          bpf_map_delete_elem(flows_.get(), &key);
          return;
        }
        ++left;
        const SenderBytes sender = bytes_of(flow.sender);
        std::uint32_t& of_sender = held[sender];
        ++of_sender;
        if (holds_sound(flow.treatment) || flow.last_seen_ns + kDispensableIdle > now) return;
        dispensable.push_back({flow.last_seen_ns, sender == SenderBytes{} ? nullptr : &of_sender, idle.size()});
        idle.push_back({key, &of_sender});
      });
  if (!walked) return walked.error();
  for (const DispensableFlow& gone : relieve(std::move(dispensable), left, maximum_)) {
    bpf_map_delete_elem(flows_.get(), &idle[gone.number].key);
    --*idle[gone.number].held;
    ++relieved_;
    --left;
  }
  walked = for_each_entry<al_sender_key, std::uint32_t>(senders_, [&](const al_sender_key& sender, std::uint32_t) {
    const auto count = held.find(bytes_of(sender));
    if (count == held.end() || count->second == 0) {
      bpf_map_delete_elem(senders_.get(), &sender);
    } else {
      bpf_map_update_elem(senders_.get(), &sender, &count->second, BPF_EXIST);
    }
  });
  if (!walked) return walked.error();
  return left;
}

}  // namespace audio_latency
