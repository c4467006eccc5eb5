// SPDX-License-Identifier: Apache-2.0
#include "support/scenario_traffic.hpp"

#include <algorithm>
#include <cmath>

namespace audio_latency::scenario {
namespace {

constexpr Nanoseconds wire_gap = 12'000;  // two packets of one sender, back to back

Nanoseconds nanoseconds(std::size_t bytes, unsigned bytes_per_second) {
  return static_cast<Nanoseconds>(static_cast<double>(bytes) / bytes_per_second * second);
}

// When each byte range of `packets` had arrived as a whole.
class Arrivals {
 public:
  explicit Arrivals(const std::vector<Packet>& packets) : packets_(packets) {}
  Nanoseconds of_byte(std::size_t last) {
    while (packets_[at_].end <= last) ++at_;
    return packets_[at_].time;
  }

 private:
  const std::vector<Packet>& packets_;
  std::size_t at_ = 0;
};

}  // namespace

Hold held(Nanoseconds delay) {
  return [delay](Nanoseconds arrival) { return arrival + delay; };
}

Hold held_in_bursts(Nanoseconds delay, Nanoseconds period) {
  return [delay, period](Nanoseconds arrival) { return delay + (arrival / period + 1) * period; };
}

SocketAddress Traffic::endpoint(const std::string& host) {
  const auto number = static_cast<std::uint32_t>(hosts_.size() + 1);
  const auto [found, is_new] = hosts_.try_emplace(host);
  if (is_new) found->second = IpAddress::from_ipv4(alike_ ? 0x7F000001 : 0x0A140000 + number);
  next_port_ = static_cast<std::uint16_t>(next_port_ + 2);  // RTP takes even ports (RFC 3550 §11)
  return {found->second, next_port_};
}

std::size_t Traffic::stream(Bytes bytes, unsigned bytes_per_second) {
  streams_.push_back({std::move(bytes), bytes_per_second});
  return streams_.size() - 1;
}

int Traffic::add(Flow flow) {
  flow.identity = random_.word();
  flow.first_sequence = static_cast<std::uint16_t>(random_.word());
  flows_.push_back(std::move(flow));
  return static_cast<int>(flows_.size()) - 1;
}

std::vector<Packet> Traffic::cut(std::size_t stream, const Cut& how) {
  const std::size_t size = streams_[stream].bytes.size();
  const std::size_t regular = streams_[stream].bytes_per_second * how.packet_ms / 1000;
  std::vector<Packet> packets;
  // The phase makes the first packet longer, not shorter: one below MIN_AUDIO_PACKET_SIZE would not be scanned.
  std::size_t end = 0;
  if (how.transport != Transport::tcp)
    end = regular + static_cast<std::size_t>(how.phase * static_cast<double>(regular)) / 2 * 2;
  for (std::size_t begin = 0; begin < size; begin = end, end = 0) {
    if (end == 0) end = begin + (how.transport == Transport::tcp ? 200 + random_.below(1249) : regular);
    end = std::min(end, size);
    packets.push_back({0, begin, end});
  }
  return packets;
}

int Traffic::origin(const std::string& call, SocketAddress from, SocketAddress to, std::size_t stream, Cut how,
                    Nanoseconds start) {
  Flow flow{call, from, to, how.transport, stream, -1, cut(stream, how), 0, 0};
  Nanoseconds before = start - second;
  for (Packet& packet : flow.packets) {
    const Nanoseconds jitter = static_cast<Nanoseconds>(random_.uniform(0, 1.0) * millisecond);
    packet.time =
        std::max(before + wire_gap, start + nanoseconds(packet.end, streams_[stream].bytes_per_second) + jitter);
    before = packet.time;
  }
  return add(std::move(flow));
}

int Traffic::relay(int parent, SocketAddress from, SocketAddress to, Cut how, const Hold& hold) {
  const Flow& earlier = flows_.at(static_cast<std::size_t>(parent));
  Flow flow{earlier.call, from, to, how.transport, earlier.stream, parent, cut(earlier.stream, how), 0, 0};
  Arrivals arrivals(earlier.packets);
  Nanoseconds before = earlier.packets.front().time;
  for (Packet& packet : flow.packets) {
    const Nanoseconds jitter = static_cast<Nanoseconds>(random_.uniform(0, 0.3) * millisecond);
    packet.time = std::max(before + wire_gap, hold(arrivals.of_byte(packet.end - 1)) + jitter);
    before = packet.time;
  }
  return add(std::move(flow));
}

int Traffic::pass_through(int parent, SocketAddress from, SocketAddress to, Nanoseconds delay) {
  const Flow earlier = flows_.at(static_cast<std::size_t>(parent));
  Flow flow = earlier;
  flow.source = from;
  flow.destination = to;
  flow.parent = parent;
  for (Packet& packet : flow.packets) packet.time += delay;
  const int number = add(std::move(flow));
  flows_.back().identity = earlier.identity;
  flows_.back().first_sequence = earlier.first_sequence;
  return number;
}

int Traffic::replay(int flow, SocketAddress from, SocketAddress to, Nanoseconds delay, Nanoseconds begin) {
  const int number = pass_through(flow, from, to, delay);
  Flow& copy = flows_.back();
  copy.call += "-replayed";
  copy.parent = -1;
  std::erase_if(copy.packets, [begin](const Packet& packet) { return packet.time < begin; });
  return number;
}

void Traffic::expect_clean(int origin, int last, std::vector<unsigned> seconds) {
  clean_.push_back({flows_.at(static_cast<std::size_t>(origin)).call, origin, last, std::move(seconds)});
}

std::vector<unsigned> speech_seconds(const Samples& samples, unsigned rate, double from) {
  constexpr double threshold = 32768 * 0.0089125;  // -41 dBFS
  std::vector<unsigned> seconds;
  const std::size_t block = rate / 5;
  for (std::size_t at = static_cast<std::size_t>(from * rate) / rate * rate; at + rate <= samples.size(); at += rate) {
    bool loud = false;
    for (std::size_t i = at; i < at + rate; i += block) {
      double energy = 0;
      for (std::size_t j = i; j < i + block; ++j) energy += static_cast<double>(samples[j]) * samples[j];
      loud = loud || std::sqrt(energy / static_cast<double>(block)) >= threshold;
    }
    if (loud) seconds.push_back(static_cast<unsigned>(at / rate));
  }
  return seconds;
}

}  // namespace audio_latency::scenario
