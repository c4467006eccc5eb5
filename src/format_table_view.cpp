// SPDX-License-Identifier: Apache-2.0
// What the formats stage tells of its flows.
#include <array>
#include <numeric>
#include <utility>

#include "format_table.hpp"

namespace audio_latency {
namespace {

constexpr std::array<std::pair<FormatLayer, const char*>, 12> kLayerNames = {{{kLayerHttp2, "http2"},
                                                                              {kLayerGrpc, "grpc"},
                                                                              {kLayerHttp, "http"},
                                                                              {kLayerChunked, "chunked"},
                                                                              {kLayerWebSocket, "websocket"},
                                                                              {kLayerAudioSocket, "audiosocket"},
                                                                              {kLayerSse, "sse"},
                                                                              {kLayerJson, "json"},
                                                                              {kLayerProtobuf, "protobuf"},
                                                                              {kLayerBase64, "base64"},
                                                                              {kLayerHex, "hex"},
                                                                              {kLayerWav, "wav"}}};

std::string why_decoded(const DecodeStatus& status, const AudioTrack* main, const char* framing) {
  if (status.lost != nullptr) return std::string("the framing is lost: ") + status.lost;
  if (main == nullptr) return std::string(framing) + "; no audio in it yet";
  switch (main->content()) {
    case AudioTrack::Content::audio:
      return std::string(framing) + "; audio in it";
    case AudioTrack::Content::compressed:
      return std::string(framing) + "; a compressed file in it: matches only where it is relayed unchanged";
    case AudioTrack::Content::not_audio:
      return std::string(framing) + "; what is in it are no samples of sound";
    default:
      return std::string(framing) + "; nothing but silence in it so far";
  }
}

Unhashable unhashable_of(const FlowVerdict& verdict, const DecodedFlow* decoded) {
  if (decoded == nullptr) return verdict.unhashable;
  const AudioTrack* main = decoded->tracks().main();
  if (main == nullptr && decoded->status().deflated_bytes >= Formats::kDeflated) return Unhashable::deflate;
  if (main != nullptr && main->content() == AudioTrack::Content::compressed) return Unhashable::compressed_codec;
  return verdict.unhashable;
}

}  // namespace

std::string describe_layers(std::uint16_t layers) {
  std::string text;
  for (const auto& [layer, name] : kLayerNames) {
    if ((layers & layer) != 0) text += (text.empty() ? "" : "/") + std::string(name);
  }
  return text;
}

FormatStats Formats::stats() const {
  FormatStats stats = totals_;
  stats.flows = flows_.size();
  stats.scan = scanner_.counters();
  for (const auto& [key, flow] : flows_) {
    ++stats.unhashable[static_cast<std::size_t>(unhashable_of(flow.verdict, flow.decoded.get()))];
    if (flow.decoded == nullptr) continue;
    stats.resyncs += flow.decoded->status().resyncs;
    stats.skipped_bytes += flow.decoded->status().skipped_bytes;
  }
  stats.unhashable[0] = 0;
  return stats;
}

std::vector<FlowView> Formats::flows() const {
  std::vector<FlowView> views;
  views.reserve(flows_.size());
  for (const auto& [key, flow] : flows_) {
    FlowView view;
    view.flow = key.flow;
    view.point = key.point;
    view.tunnelled = key.tunnelled;
    view.handling = flow.verdict.treatment.handling;
    view.format = to_string(flow.verdict.framing);
    view.codec = flow.verdict.treatment.codec;
    view.rate = flow.verdict.rate;
    view.why = flow.verdict.why;
    view.unhashable = flow.verdict.unhashable;
    view.signatures = std::accumulate(flow.unreported.begin(), flow.unreported.end(), flow.reported);
    view.sender = flow.sender;
    view.receiver = flow.receiver;
    view.payload_bytes = flow.payload_bytes;
    view.first_seen = flow.first_seen;
    view.last_seen = flow.last_seen;
    if (flow.decoded != nullptr) {
      const AudioTrack* main = flow.decoded->tracks().main();
      view.format = describe_layers(flow.decoded->status().layers);
      view.why = why_decoded(flow.decoded->status(), main, flow.verdict.why);
      view.unhashable = unhashable_of(flow.verdict, flow.decoded.get());
      if (main != nullptr) {
        view.codec = main->format().codec;
        view.rate = main->format().rate;
      }
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace audio_latency
