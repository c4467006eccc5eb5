// SPDX-License-Identifier: Apache-2.0
#include "replay_report.hpp"

#include <spdlog/fmt/fmt.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "capture_counters.hpp"

namespace audio_latency {
namespace {

// "3 port, 1 fragment": the counters that are not 0, by name.
class Listing {
 public:
  template <typename Enum, typename Name>
  Listing& add(std::span<const std::uint64_t> counts, Name name) {
    for (std::size_t i = 0; i < counts.size(); ++i) add(counts[i], name(static_cast<Enum>(i)));
    return *this;
  }
  Listing& add(std::uint64_t count, std::string_view name) {
    if (count != 0) text_ += fmt::format("{}{} {}", text_.empty() ? "" : ", ", count, name);
    return *this;
  }
  std::string line(std::string_view title) const {
    return fmt::format("{:12} {}\n", title, text_.empty() ? "none" : text_);
  }

 private:
  std::string text_;
};

// __u64 is a type of its own.
template <std::size_t N>
std::array<std::uint64_t, N> plain(const __u64 (&counts)[N]) {
  std::array<std::uint64_t, N> copy{};
  std::copy(std::begin(counts), std::end(counts), copy.begin());
  return copy;
}

}  // namespace

std::string replay_report(const ReplayCapture& capture, const MatcherStats& matcher) {
  al_counters sum{};
  for (const InterfaceCounters& interface : capture.stats().interfaces) add(sum, interface.counters);
  const auto collision_name = [](Collision reason) { return to_string(reason); };
  const auto error_name = [](MatcherError error) { return to_string(error); };

  Listing packets;
  packets.add<al_verdict>(plain(sum.packets), al_verdict_name).add(capture.cut_packets(), "cut by the capture");
  Listing windows;
  windows.add(sum.emitted, "selected").add<al_refusal>(plain(sum.refused), al_refusal_name);
  Listing signatures;
  signatures.add(matcher.observations, "seen").add(matcher.matched, "matched");
  signatures.add<Collision>(matcher.collisions, collision_name);
  Listing errors;
  errors.add<al_trouble>(plain(sum.trouble), al_trouble_name).add<MatcherError>(matcher.errors, error_name);
  return packets.line("packets") + windows.line("windows") + signatures.line("signatures") + errors.line("errors");
}

}  // namespace audio_latency
