// SPDX-License-Identifier: Apache-2.0
#include "support/scenario_cases.hpp"

#include <algorithm>

namespace audio_latency::scenario {
namespace {

constexpr unsigned telephone = 8000;  // Hz
constexpr unsigned wideband = 16000;

struct Leg {
  Cut cut;
  Hold hold;
};

Nanoseconds at(double seconds) {
  return static_cast<Nanoseconds>(seconds * 1e9);
}

class Cases {
 public:
  Cases(Traffic& traffic, Random& random, const Plan& plan)
      : traffic_(traffic),
        random_(random),
        plan_(plan),
        call_seconds_(std::max(40.0, plan.seconds / 4)),
        recordings_(recordings(plan.recordings, random)) {}

  void clean_calls();
  void tones();
  void loops();
  void prompts();
  void fan_out();
  void echoes();

 private:
  // A moment at which `length` seconds and ten seconds of delay still fit into the capture.
  double moment(double length) { return random_.uniform(0.5, std::max(1.0, plan_.seconds - length - 10)); }
  Cut any_phase(Transport transport = Transport::rtp, unsigned packet_ms = 20) {
    return {transport, packet_ms, random_.uniform(0, 1)};
  }
  std::size_t stream(const Samples& samples, Transport transport, unsigned rate) {
    if (transport == Transport::rtp) return traffic_.stream(mu_law(samples), rate);
    return traffic_.stream(pcm16le(samples), rate * 2);
  }
  int chain(const std::string& call, std::size_t stream, Cut origin, double start, const std::vector<Leg>& legs,
            const std::string& relay, const std::string& source);
  void clean(const std::string& call, Cut origin, const std::vector<Leg>& legs, unsigned rate = telephone,
             bool real = false);
  void two_calls(const std::string& call, const Samples& sound, double start, double first_delay, double second_delay,
                 bool tone, Transport transport = Transport::rtp);
  void prompted(const std::string& call, const Samples& prompt, double start, double delay);

  Traffic& traffic_;
  Random& random_;
  const Plan& plan_;
  double call_seconds_;
  std::vector<Samples> recordings_;
};

// source -> RELAY1 -> RELAY2 -> … -> listener
int Cases::chain(const std::string& call, std::size_t stream, Cut origin, double start, const std::vector<Leg>& legs,
                 const std::string& relay, const std::string& source) {
  std::string host = relay + "1";
  int flow = traffic_.origin(call, traffic_.endpoint(source), traffic_.endpoint(host), stream, origin, at(start));
  for (std::size_t i = 0; i < legs.size(); ++i) {
    const std::string next = i + 1 < legs.size() ? relay + std::to_string(i + 2) : call + "-listener";
    const SocketAddress from = traffic_.endpoint(host);
    flow = traffic_.relay(flow, from, traffic_.endpoint(next), legs[i].cut, legs[i].hold);
    host = next;
  }
  return flow;
}

void Cases::clean(const std::string& call, Cut origin, const std::vector<Leg>& legs, unsigned rate, bool real) {
  const Samples samples =
      real ? recorded_speech(recordings_, random_, call_seconds_, rate) : speech(random_, call_seconds_, rate);
  const int first = static_cast<int>(traffic_.flows().size());
  const int last = chain(call, stream(samples, origin.transport, rate), origin, moment(call_seconds_), legs, "media",
                         call + "-source");
  traffic_.expect_clean(first, last, speech_seconds(samples, rate));
}

void Cases::clean_calls() {
  using enum Transport;
  const Cut mid{rtp, 20, 0.5};
  clean("rtp-20-20", {rtp, 20, 0}, {{mid, held(at(0.023))}});
  clean("rtp-20-30", any_phase(), {{any_phase(rtp, 30), held(at(0.27))}}, telephone, true);
  clean("rtp-three-hops", any_phase(), {{any_phase(), held(at(0.3))}, {any_phase(), held(at(1.2))}});
  clean("rtp-six-seconds", any_phase(), {{any_phase(), held(at(6))}}, telephone, true);
  clean("rtp-saw-tooth", any_phase(), {{any_phase(), held_in_bursts(at(0.05), at(0.12))}});
  clean("udp-udp", any_phase(udp), {{any_phase(udp), held(at(0.085))}});
  clean("udp-tcp", any_phase(udp), {{any_phase(tcp), held(at(2.13))}}, telephone, true);
  clean("tcp-tcp", any_phase(tcp), {{any_phase(tcp), held(at(0.45))}}, wideband);
  clean("tcp-udp", any_phase(tcp), {{any_phase(udp), held(at(0.7))}}, wideband);
  const Nanoseconds turn = at(plan_.seconds / 2);
  clean("rtp-step", any_phase(), {{any_phase(), [turn](Nanoseconds t) { return t + at(t < turn ? 0.2 : 1.0); }}});
  clean("rtp-drift", any_phase(), {{any_phase(), [](Nanoseconds t) {
                                      return t + at(0.1) + static_cast<Nanoseconds>(static_cast<double>(t) / 200);
                                    }}});

  // Already running when the capture begins; links of such flows are held for MAX_LATENCY, so is what is expected.
  const Samples running = speech(random_, call_seconds_, telephone);
  const int first = static_cast<int>(traffic_.flows().size());
  const int last = chain("running", stream(running, rtp, telephone), any_phase(), -15, {{any_phase(), held(at(0.4))}},
                         "media", "running-source");
  traffic_.expect_clean(first, last, speech_seconds(running, telephone, 26));

  // Both directions of one conversation, handed on packet by packet.
  for (const char* const side : {"forth", "back"}) {
    const Samples samples = speech(random_, call_seconds_, telephone);
    const auto from = traffic_.endpoint("caller"), in = traffic_.endpoint("bridge");
    const int origin = traffic_.origin(side, from, in, stream(samples, rtp, telephone), any_phase(), at(3));
    const int end = traffic_.pass_through(origin, traffic_.endpoint("bridge"), traffic_.endpoint("callee"), at(0.04));
    traffic_.expect_clean(origin, end, speech_seconds(samples, telephone));
  }
}

// The same sound in two calls through one relay, a little apart. `tone`: it repeats within 0.2 s.
void Cases::two_calls(const std::string& call, const Samples& sound, double start, double first_delay,
                      double second_delay, bool tone, Transport transport) {
  const std::size_t shared = stream(sound, transport, telephone);
  chain(call + "-a", shared, any_phase(transport), start, {{any_phase(transport), held(at(first_delay))}}, "switch",
        "generator");
  if (!tone && !plan_.shared_sounds) return;
  chain(call + "-b", shared, any_phase(transport), start + random_.uniform(0.3, 1.7),
        {{any_phase(transport), held(at(second_delay))}}, "switch", "generator");
}

void Cases::tones() {
  const double length = std::max(25.0, plan_.seconds / 12);
  const auto start = [&] { return moment(length); };
  two_calls("ringback", tone(440, 480, 2, 4, length, telephone), start(), 0.12, 0.35, true);
  two_calls("busy", tone(480, 620, 0.5, 0.5, length, telephone), start(), 0.06, 0.9, true);
  two_calls("dtmf", dtmf("123456789*0#", length, telephone), start(), 0.2, 0.31, false);
  two_calls("dtmf-one-key", dtmf("5", length, telephone), start(), 0.15, 0.4, true);
  two_calls("silence", Samples(static_cast<std::size_t>(length * telephone)), start(), 0.1, 0.5, true);
  const Samples noise = comfort_noise(random_, 0.5, telephone);
  two_calls("comfort-noise", repeated(noise, length, telephone), start(), 0.11, 0.26, false);
  two_calls("comfort-noise-pcm", repeated(noise, length, telephone), start(), 0.18, 0.33, false, Transport::udp);
  two_calls("ringback-tcp", tone(440, 480, 2, 4, length, telephone), start(), 0.07, 0.5, true, Transport::tcp);

  // It rings, then somebody answers.
  Samples answered = tone(440, 480, 2, 4, 10, telephone);
  append(answered, speech(random_, call_seconds_ - 10, telephone));
  const int first = static_cast<int>(traffic_.flows().size());
  const int last = chain("answered", stream(answered, Transport::rtp, telephone), any_phase(), moment(call_seconds_),
                         {{any_phase(), held(at(0.33))}}, "switch", "answered-source");
  traffic_.expect_clean(first, last, speech_seconds(answered, telephone, 11));
}

void Cases::loops() {
  const double length = std::max(40.0, plan_.seconds / 8);
  for (const double turn : {4.0, 8.0}) {
    const std::string name = "music-" + std::to_string(static_cast<int>(turn)) + "s";
    const auto sound = [&] { return repeated(music(random_, turn, telephone), length, telephone); };
    two_calls(name, sound(), moment(length), 0.3, 2.2, false);
    two_calls(name + "-pcm", sound(), moment(length), 0.25, 3.1, false, Transport::udp);
    // Half-way into the loop when the capture begins, the relay a good part of a turn behind.
    two_calls(name + "-running", sound(), -random_.uniform(9, 17), 0.6, turn * 0.7, false);
    two_calls(name + "-running-tcp", sound(), -random_.uniform(9, 17), turn * 0.55, 0.2, false, Transport::tcp);
  }
  // Longer than the longest latency: a recording played again.
  two_calls("music-13s", repeated(music(random_, 13, telephone), length, telephone), moment(length), 0.35, 1.6, false);
}

// A caller's flow: the prompt, then speech of its own.
void Cases::prompted(const std::string& call, const Samples& prompt, double start, double delay) {
  Samples heard = prompt;
  append(heard, speech(random_, std::max(20.0, plan_.seconds / 12), telephone));
  const int first = static_cast<int>(traffic_.flows().size());
  const int last = chain(call, stream(heard, Transport::rtp, telephone), any_phase(), start,
                         {{any_phase(), held(at(delay))}}, "gateway", "announcer");
  traffic_.expect_clean(first, last, speech_seconds(heard, telephone, 12));
}

void Cases::prompts() {
  if (!plan_.shared_sounds) return;
  const Samples prompt = speech(random_, 8, telephone);
  const double start = moment(30) * 0.5;
  for (int i = 0; i < 10; ++i)
    prompted("caller-" + std::to_string(i), prompt, start + 0.1 * i, 0.08 + 0.13 * ((i * 7) % 10));
  for (int i = 0; i < 2; ++i) {  // and two who hear it without a relay
    const std::string call = "direct-" + std::to_string(i);
    traffic_.origin(call, traffic_.endpoint("announcer"), traffic_.endpoint(call),
                    stream(prompt, Transport::rtp, telephone), any_phase(), at(start + 0.45 + 0.2 * i));
  }
  if (plan_.seconds < 300) return;
  for (int i = 0; i < 3; ++i)  // the same prompt to others, later
    prompted("later-" + std::to_string(i), prompt, start + 40 + 0.7 * i, 0.6 - 0.2 * i);
}

void Cases::fan_out() {
  const Samples samples = speech(random_, call_seconds_, telephone);
  const double start = moment(call_seconds_);
  const auto socket = traffic_.endpoint("mixer");
  const int origin = traffic_.origin("fan-out", traffic_.endpoint("fan-out-source"), traffic_.endpoint("mixer"),
                                     stream(samples, Transport::rtp, telephone), any_phase(), at(start));
  const int one = traffic_.relay(origin, socket, traffic_.endpoint("listener-one"), any_phase(), held(at(0.15)));
  traffic_.pass_through(origin, socket, traffic_.endpoint("listener-two"), at(0.19));
  traffic_.expect_clean(origin, one, speech_seconds(samples, telephone));

  // The source itself sends to two, one of which relays.
  const Samples other = speech(random_, call_seconds_, telephone);
  const auto recorded_source = traffic_.endpoint("recorded-source");
  const std::size_t sound = stream(other, Transport::rtp, telephone);
  const Cut cut = any_phase();
  const int relayed = traffic_.origin("recorded", recorded_source, traffic_.endpoint("mixer"), sound, cut, at(start));
  traffic_.origin("recorder", recorded_source, traffic_.endpoint("recorder"), sound, cut, at(start) + 40'000);
  const int end = traffic_.relay(relayed, traffic_.endpoint("mixer"), traffic_.endpoint("recorded-listener"),
                                 any_phase(), held(at(0.5)));
  traffic_.expect_clean(relayed, end, speech_seconds(other, telephone));
}

void Cases::echoes() {
  const Samples samples = speech(random_, call_seconds_, telephone);
  // caller -> agent -> callee, which echoes -> agent -> caller: symmetric RTP, one port for both directions.
  const auto caller = traffic_.endpoint("echo-caller"), front = traffic_.endpoint("agent");
  const auto back = traffic_.endpoint("agent"), callee = traffic_.endpoint("echo-callee");
  const int one = traffic_.origin("echo", caller, front, stream(samples, Transport::rtp, telephone), any_phase(),
                                  at(moment(call_seconds_)));
  const int two = traffic_.relay(one, back, callee, any_phase(), held(at(0.09)));
  const int three = traffic_.relay(two, callee, back, any_phase(), held(at(0.21)));
  const int four = traffic_.relay(three, front, caller, any_phase(), held(at(0.09)));
  traffic_.expect_clean(one, two, speech_seconds(samples, telephone));
  traffic_.expect_clean(one, four, speech_seconds(samples, telephone));

  // An agent that sends back what it hears.
  const Samples shout = speech(random_, call_seconds_, telephone);
  const auto hill = traffic_.endpoint("hill"), shouter = traffic_.endpoint("shouter");
  const int there = traffic_.origin("shout", shouter, hill, stream(shout, Transport::udp, telephone),
                                    any_phase(Transport::udp), at(moment(call_seconds_)));
  const int again = traffic_.relay(there, hill, shouter, any_phase(Transport::udp), held(at(0.5)));
  traffic_.expect_clean(there, again, speech_seconds(shout, telephone));
}

}  // namespace

void play(Traffic& traffic, Random& random, const Plan& plan) {
  Cases cases(traffic, random, plan);
  cases.clean_calls();
  cases.tones();
  cases.loops();
  cases.prompts();
  cases.fan_out();
  cases.echoes();
}

}  // namespace audio_latency::scenario
