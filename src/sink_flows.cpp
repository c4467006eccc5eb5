// SPDX-License-Identifier: Apache-2.0
#include "sink_flows.hpp"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

namespace audio_latency {
namespace {

std::string text_of(const FlowKey& flow) {
  return flow.source.to_string() + " > " + flow.destination.to_string();
}

// Asks for the name of each interface once: each question takes a socket, and thousands of flows share few interfaces.
class InterfaceNames {
 public:
  const std::string& of(std::uint32_t index) {
    const auto [known, first] = names_.try_emplace(index);
    if (first) {
      std::array<char, IF_NAMESIZE> name{};
      known->second = if_indextoname(index, name.data()) != nullptr ? name.data() : std::to_string(index);
    }
    return known->second;
  }

 private:
  std::map<std::uint32_t, std::string> names_;
};

std::map<FlowKey, std::vector<std::string>> partners_of(const std::vector<LinkView>& links) {
  std::map<FlowKey, std::vector<std::string>> partners;
  for (const LinkView& link : links) {
    partners[link.earlier].push_back(text_of(link.later));
    partners[link.later].push_back(text_of(link.earlier));
  }
  return partners;
}

}  // namespace

const char* to_string(al_handling handling) {
  switch (handling) {
    case AL_SCAN:
      return "scanned";
    case AL_DECODE:
      return "decoded";
    case AL_IGNORE:
      return "ignored";
    default:
      return "sampled";
  }
}

const char* to_string(al_codec codec) {
  switch (codec) {
    case AL_CODEC_PCMU:
      return "pcmu";
    case AL_CODEC_PCMA:
      return "pcma";
    case AL_CODEC_PCM16LE:
      return "pcm16le";
    case AL_CODEC_PCM16BE:
      return "pcm16be";
    case AL_CODEC_COMPRESSED:
      return "compressed";
    default:
      return "unknown";
  }
}

std::vector<NamedFlow> named_flows(std::vector<FlowView> views, const std::vector<LinkView>& links,
                                   const IdentityResolver& resolver, const WallClock& clock) {
  const auto partners = partners_of(links);
  std::sort(views.begin(), views.end(),
            [](const FlowView& a, const FlowView& b) { return a.signatures > b.signatures; });
  InterfaceNames interfaces;
  std::vector<NamedFlow> named;
  named.reserve(views.size());
  for (FlowView& view : views) {
    NamedFlow flow;
    flow.interface = interfaces.of(view.point.interface);
    flow.source = label_of(view.sender, view.flow.source, resolver);
    flow.dest = label_of(view.receiver, view.flow.destination, resolver);
    if (const auto found = partners.find(view.flow); found != partners.end()) flow.partners = found->second;
    flow.first_seen_ns = clock.realtime_ns(view.first_seen);
    flow.last_seen_ns = clock.realtime_ns(view.last_seen);
    flow.view = std::move(view);
    named.push_back(std::move(flow));
  }
  return named;
}

std::string flow_json(const NamedFlow& named) {
  const FlowView& view = named.view;
  const nlohmann::ordered_json object = {
      {"source", view.flow.source.to_string()},
      {"dest", view.flow.destination.to_string()},
      {"protocol", view.flow.protocol == 6 ? "tcp" : "udp"},
      {"source_pod", named.source.pod},
      {"dest_pod", named.dest.pod},
      {"source_namespace", named.source.namespace_name},
      {"dest_namespace", named.dest.namespace_name},
      {"interface", named.interface},
      {"direction", view.point.direction == AL_INGRESS ? "ingress" : "egress"},
      {"verdict", to_string(static_cast<al_handling>(view.handling))},
      {"why", view.why},
      {"format", view.format},
      {"codec", to_string(static_cast<al_codec>(view.codec))},
      {"rate_hz", view.rate},
      {"unhashable", to_string(view.unhashable)},
      {"signatures", view.signatures},
      {"payload_bytes", view.payload_bytes},
      {"partners", named.partners},
      {"first_seen", rfc3339(named.first_seen_ns)},
      {"last_seen", rfc3339(named.last_seen_ns)},
  };
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace audio_latency
