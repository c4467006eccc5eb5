// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/labels.h>
#include <prometheus/registry.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "audio_latency/endpoint.hpp"

namespace audio_latency {

// Which series an observation or a match belongs to, without building labels: one or two ends and a small number. An
// end that has a name counts by its endpoint alone, whatever its addresses. Bytes, so that it is hashed and compared as
// one.
class SeriesKey {
 public:
  SeriesKey(const Placement& place, const SocketAddress& address) { put(0, place, address); }
  SeriesKey(const Placement& source_place, const SocketAddress& source, const Placement& dest_place,
            const SocketAddress& dest) {
    put(0, source_place, source);
    put(kEnd, dest_place, dest);
  }
  SeriesKey& with(std::uint8_t extra) {
    bytes_.back() = extra;
    return *this;
  }
  bool operator==(const SeriesKey&) const = default;

  struct Hash {
    std::size_t operator()(const SeriesKey& key) const { return XXH3_64bits(key.bytes_.data(), key.bytes_.size()); }
  };

 private:
  static constexpr std::size_t kEnd = 22;  // endpoint id, address, port
  void put(std::size_t at, const Placement& place, const SocketAddress& address) {
    std::memcpy(bytes_.data() + at, &place.endpoint, 4);
    if (place.endpoint != 0) return;
    std::memcpy(bytes_.data() + at + 4, address.ip.bytes.data(), 16);
    std::memcpy(bytes_.data() + at + 20, &address.port, 2);
  }
  std::array<std::uint8_t, 2 * kEnd + 1> bytes_{};
};

// The series of one metric, bounded: what does not fit goes to one series whose labels say `other`. Loop thread only;
// the metric objects themselves may be read by others at any time.
template <typename Metric>
class SeriesTable {
 public:
  struct Series {
    Metric* metric = nullptr;
    EventTime changed = 0;
  };

  // `arguments`: for the constructor of each Metric (bucket bounds). `overflow` counts what went to `other`.
  template <typename... Arguments>
  SeriesTable(prometheus::Family<Metric>& family, std::size_t most, prometheus::Counter& overflow,
              const Arguments&... arguments)
      : family_(family),
        most_(most),
        overflow_(overflow),
        make_([&family, arguments...](const prometheus::Labels& labels) { return &family.Add(labels, arguments...); }) {
  }

  // The series of `key`, marked as changed at `now` by so many values. `labels()` is called only where the key is new.
  template <typename MakeLabels>
  Series& at(const SeriesKey& key, EventTime now, MakeLabels labels, std::uint64_t values = 1) {
    const auto found = handles_.find(key);
    Series& series = found != handles_.end() ? *found->second : at(labels());
    if (found == handles_.end() && handles_.size() < 8 * most_) handles_.emplace(key, &series);
    if (&series == other_) overflow_.Increment(static_cast<double>(values));
    series.changed = std::max(series.changed, now);
    return series;
  }

  // Removes the series that did not change since `before`.
  void expire(EventTime before) {
    for (auto each = series_.begin(); each != series_.end();) {
      if (each->second.changed >= before) {
        ++each;
        continue;
      }
      if (&each->second == other_) other_ = nullptr;
      family_.Remove(each->second.metric);
      each = series_.erase(each);
      forget_handles();
    }
  }

  // Labels are looked up again from now on: names may have changed.
  void forget_handles() { handles_.clear(); }

  std::size_t size() const { return series_.size(); }

 private:
  Series& at(const prometheus::Labels& labels) {
    auto found = series_.find(labels);
    if (found == series_.end()) {
      const bool full = series_.size() >= most_ + (other_ != nullptr ? 1 : 0);
      found = series_.try_emplace(full ? other_labels(labels) : labels).first;
      if (full) other_ = &found->second;
    }
    Series& series = found->second;
    if (series.metric == nullptr) series.metric = make_(found->first);
    return series;
  }
  static prometheus::Labels other_labels(prometheus::Labels labels) {
    for (auto& [name, value] : labels) {
      if (name != "measurement") value = "other";
    }
    return labels;
  }

  prometheus::Family<Metric>& family_;
  std::size_t most_;
  prometheus::Counter& overflow_;
  std::function<Metric*(const prometheus::Labels&)> make_;
  std::map<prometheus::Labels, Series> series_;  // nodes never move
  std::unordered_map<SeriesKey, Series*, SeriesKey::Hash> handles_;
  Series* other_ = nullptr;
};

// A Prometheus counter that follows a running total kept elsewhere.
class Follower {
 public:
  explicit Follower(prometheus::Counter& counter) : counter_(&counter) {}
  void follow(std::uint64_t total) {
    if (total > last_) counter_->Increment(static_cast<double>(total - last_));
    last_ = total;
  }
  prometheus::Counter& counter() { return *counter_; }

 private:
  prometheus::Counter* counter_;
  std::uint64_t last_ = 0;
};

// One of the stages with a flow table that makes room (flow_relief.hpp).
inline Follower forgotten_flows(prometheus::Registry& registry, const char* table) {
  return Follower(prometheus::BuildCounter()
                      .Name("audio_flows_forgotten_total")
                      .Help("Idle flows that went before FLOW_TIMEOUT_MS, to make room, by table.")
                      .Register(registry)
                      .Add({{"table", table}}));
}

}  // namespace audio_latency
