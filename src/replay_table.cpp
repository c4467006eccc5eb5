// SPDX-License-Identifier: Apache-2.0
#include "replay_table.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "identity_label.hpp"

namespace audio_latency {
namespace {

constexpr double kNanosecondsPerMillisecond = 1e6;
constexpr const char* kHeadings[] = {"kind", "source", "dest", "count", "p50 ms", "p95 ms", "p99 ms", "max ms"};

double milliseconds(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / kNanosecondsPerMillisecond;
}

}  // namespace

std::int64_t percentile(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::string ReplayTable::name_of(const SocketAddress& address, const Placement& place) const {
  const EndpointLabel label = label_of(place, address, names_);
  return label.namespace_name == "-" ? label.pod : label.namespace_name + "/" + label.pod;
}

void ReplayTable::on_match(const Match& match) {
  latencies_[{match.kind, name_of(match.source, match.source_place), name_of(match.dest, match.dest_place)}].push_back(
      match.latency_ns);
}

std::string ReplayTable::to_string() {
  if (latencies_.empty()) return "No latency was measured.\n";
  std::size_t source_width = 6;
  std::size_t dest_width = 4;
  for (const auto& [pair, values] : latencies_) {
    source_width = std::max(source_width, std::get<1>(pair).size());
    dest_width = std::max(dest_width, std::get<2>(pair).size());
  }
  std::string text =
      fmt::format("{:8} {:{}} {:{}} {:>8} {:>10} {:>10} {:>10} {:>10}\n", kHeadings[0], kHeadings[1], source_width,
                  kHeadings[2], dest_width, kHeadings[3], kHeadings[4], kHeadings[5], kHeadings[6], kHeadings[7]);
  for (auto& [pair, values] : latencies_) {
    std::sort(values.begin(), values.end());
    text += fmt::format("{:8} {:{}} {:{}} {:>8} {:>10.3f} {:>10.3f} {:>10.3f} {:>10.3f}\n",
                        audio_latency::to_string(std::get<0>(pair)), std::get<1>(pair), source_width, std::get<2>(pair),
                        dest_width, values.size(), milliseconds(percentile(values, 0.5)),
                        milliseconds(percentile(values, 0.95)), milliseconds(percentile(values, 0.99)),
                        milliseconds(values.back()));
  }
  return text;
}

}  // namespace audio_latency
