// SPDX-License-Identifier: Apache-2.0
#include "support/scenario_attacks.hpp"

#include <array>

namespace audio_latency::scenario {
namespace {

constexpr unsigned telephone = 8000;  // Hz

Nanoseconds at(double seconds) {
  return static_cast<Nanoseconds>(seconds * 1e9);
}

// Where the rolling hash stands, and which symbols would select the next position.
class WindowPicker {
 public:
  explicit WindowPicker(Random& random) : random_(random) {
    std::uint64_t state = 0;
    for (unsigned symbol = 0; symbol < gear_.size(); ++symbol) {
      std::uint64_t z = state += 0x9E3779B97F4A7C15;  // SplitMix64
      z = (z ^ z >> 30U) * 0xBF58476D1CE4E5B9;
      z = (z ^ z >> 27U) * 0x94D049BB133111EB;
      gear_[symbol] = z ^ z >> 31U;
      by_top_[gear_[symbol] >> 56U].push_back(static_cast<std::uint8_t>(symbol));
    }
  }

  std::uint8_t next() {
    // Straight on from a selected position only a handful of symbols would do: a window needs eight distinct ones, so
    // half of the steps go astray, to where one step leads back.
    int chosen = just_selected_ ? -1 : selecting(hash_);
    just_selected_ = chosen >= 0;
    for (int tries = 0; chosen < 0; ++tries) {
      const auto symbol = static_cast<std::uint8_t>(random_.below(256));
      if (tries > 32 || selecting((hash_ << 1U) + gear_[symbol]) >= 0) chosen = symbol;
    }
    hash_ = (hash_ << 1U) + gear_[static_cast<std::size_t>(chosen)];
    return static_cast<std::uint8_t>(chosen);
  }

 private:
  int selecting(std::uint64_t hash) const {
    const std::uint64_t shifted = hash << 1U;
    const auto wanted = static_cast<std::uint8_t>(0 - (shifted >> 56U));
    for (const auto top : {wanted, static_cast<std::uint8_t>(wanted - 1)})
      for (const std::uint8_t symbol : by_top_[top])
        if ((shifted + gear_[symbol]) >> 56U == 0) return symbol;
    return -1;
  }

  Random& random_;
  std::array<std::uint64_t, 256> gear_{};
  std::array<std::vector<std::uint8_t>, 256> by_top_;
  std::uint64_t hash_ = 0;
  bool just_selected_ = false;
};

struct Neighbour {
  int origin = 0;
  SocketAddress relay;
};

Neighbour neighbour(Traffic& traffic, Random& random, const std::string& call, double seconds, double delay) {
  // Not from the beginning on: links of flows that were already running are held for MAX_LATENCY (matching.md).
  const Samples samples = speech(random, seconds - 6, telephone);
  const SocketAddress source = traffic.endpoint(call + "-source"), in = traffic.endpoint("relay");
  const int origin = traffic.origin(call, source, in, traffic.stream(mu_law(samples), telephone), {}, at(3));
  const int relayed = traffic.relay(origin, traffic.endpoint("relay"), traffic.endpoint(call + "-listener"),
                                    {Transport::rtp, 20, random.uniform(0, 1)}, held(at(delay)));
  traffic.expect_clean(origin, relayed, speech_seconds(samples, telephone));
  return {origin, in};
}

void from_many_ports(Traffic& traffic, Random& random, double seconds) {
  constexpr unsigned ports = 10'000;
  const SocketAddress sink = traffic.endpoint("sink");
  for (unsigned i = 0; i < ports; ++i) {
    const Samples samples = speech(random, 0.1, telephone);
    traffic.origin("many-ports", traffic.endpoint("attacker"), sink, traffic.stream(mu_law(samples), telephone), {},
                   at(1 + (seconds - 2) * i / ports));
  }
}

void replayed(Traffic& traffic, const Neighbour& victim) {
  const SocketAddress sink = traffic.endpoint("sink");
  traffic.replay(victim.origin, traffic.endpoint("attacker"), sink, at(0.05), at(8));
  traffic.replay(victim.origin, traffic.endpoint("attacker"), victim.relay, at(0.12), at(11));
}

void crafted(Traffic& traffic, Random& random, double seconds) {
  constexpr unsigned bytes_per_second = 2'000'000;
  const auto length = static_cast<std::size_t>((seconds - 10) * bytes_per_second);
  const std::size_t stream = traffic.stream(crafted_bytes(random, length), bytes_per_second);
  traffic.origin("crafted", traffic.endpoint("attacker"), traffic.endpoint("sink"), stream, {Transport::tcp, 20, 0},
                 at(8));
}

}  // namespace

Bytes crafted_bytes(Random& random, std::size_t length) {
  WindowPicker picker(random);
  Bytes bytes(length);
  for (std::size_t i = 0; i < length; ++i)
    bytes[i] = static_cast<std::uint8_t>(i < 4 ? 0 : picker.next() ^ bytes[i - 4]);
  return bytes;
}

bool attack(Traffic& traffic, Random& random, const std::string& kind, double seconds) {
  // Silence, so that the capture begins before the calls do.
  const std::size_t silence = traffic.stream(mu_law(Samples(telephone)), telephone);
  traffic.origin("silence", traffic.endpoint("quiet"), traffic.endpoint("sink"), silence, {}, 0);
  const Neighbour victim = neighbour(traffic, random, "near", seconds, 0.27);
  neighbour(traffic, random, "far", seconds, 1.3);
  if (kind == "ports") from_many_ports(traffic, random, seconds);
  if (kind == "replay") replayed(traffic, victim);
  if (kind == "crafted") crafted(traffic, random, seconds);
  return kind == "ports" || kind == "replay" || kind == "crafted" || kind == "none";
}

}  // namespace audio_latency::scenario
