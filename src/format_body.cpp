// SPDX-License-Identifier: Apache-2.0
#include "format_body.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace audio_latency {
namespace {

struct NamedType {
  std::string_view name;
  BodyType type;
};

// L16 is big-endian by RFC 2586, little-endian in most of the field: its samples tell.
const std::array<NamedType, 24> kTypes = {{
    {"text/event-stream", {BodyKind::sse, {}}},
    {"application/json", {BodyKind::json, {}}},
    {"application/x-ndjson", {BodyKind::json, {}}},
    {"application/jsonl", {BodyKind::json, {}}},
    {"audio/basic", {BodyKind::audio, {AL_CODEC_PCMU, 8000, 1}}},
    {"audio/pcmu", {BodyKind::audio, {AL_CODEC_PCMU, 8000, 1}}},
    {"audio/mulaw", {BodyKind::audio, {AL_CODEC_PCMU, 8000, 1}}},
    {"audio/x-mulaw", {BodyKind::audio, {AL_CODEC_PCMU, 8000, 1}}},
    {"audio/pcma", {BodyKind::audio, {AL_CODEC_PCMA, 8000, 1}}},
    {"audio/alaw", {BodyKind::audio, {AL_CODEC_PCMA, 8000, 1}}},
    {"audio/x-alaw", {BodyKind::audio, {AL_CODEC_PCMA, 8000, 1}}},
    {"audio/mpeg", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/mp3", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/mp4", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/aac", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/ogg", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/opus", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/flac", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/webm", {BodyKind::audio, {AL_CODEC_COMPRESSED, 0, 0}}},
    {"audio/", {BodyKind::audio, {}}},
    {"text/", {BodyKind::skipped, {}}},
    {"image/", {BodyKind::skipped, {}}},
    {"video/", {BodyKind::skipped, {}}},
    {"font/", {BodyKind::skipped, {}}},
}};

std::uint32_t rate_of(std::string_view parameters) {
  const auto at = parameters.find("rate=");
  std::uint32_t rate = 0;
  if (at != std::string_view::npos)
    std::from_chars(parameters.data() + at + 5, parameters.data() + parameters.size(), rate);
  return rate <= 192'000 ? rate : 0;
}

BodyKind kind_of(ByteSpan front) {
  std::string text(front.begin(), front.end());
  const auto starts = [&](std::string_view word) { return text.compare(0, word.size(), word) == 0; };
  if (starts("data:") || starts("event:") || starts("id:") || starts("retry:") || starts(":\n") || starts(": "))
    return BodyKind::sse;
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return BodyKind::audio;
  const char next = first + 1 < text.size() ? text[first + 1] : ' ';
  const bool json = text[first] == '{' ? next == '"' || next == '\n' || next == ' ' || next == '\r'
                                       : text[first] == '[' && (next == '{' || next == '"' || next == '\n');
  return json ? BodyKind::json : BodyKind::audio;
}

}  // namespace

BodyType body_type(std::string_view content_type) {
  std::string lower(content_type.substr(0, 128));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : static_cast<char>(c);
  });
  for (const NamedType& each : kTypes) {
    if (lower.compare(0, each.name.size(), each.name) != 0) continue;
    BodyType type = each.type;
    if (const std::uint32_t rate = rate_of(lower); rate != 0) type.format.rate = rate;
    return type;
  }
  return {};
}

void BodyDecoder::begin_body(const BodyType& said) {
  type_ = said;
  front_.clear();
  if (type_.kind != BodyKind::undecided) become(type_.kind);
}

void BodyDecoder::become(BodyKind kind) {
  type_.kind = kind;
  if (kind == BodyKind::audio) audio_.begin(track_, type_.format);
  if (kind != BodyKind::json && kind != BodyKind::sse) return;
  if (inner_ != nullptr && inner_kind_ == kind) {
    inner_->begin();
    return;
  }
  inner_kind_ = kind;
  if (kind == BodyKind::json) {
    inner_ = std::make_unique<JsonDecoder>(audio_, status_);
  } else {
    inner_ = std::make_unique<SseDecoder>(audio_, status_);
    status_.layers |= kLayerSse;
  }
}

void BodyDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  if (type_.kind == BodyKind::undecided) {
    front_.take(bytes, sequence);
    if (!front_.full()) return;
    become(kind_of(front_.bytes()));
    front_.replay([this](ByteSpan part, std::uint32_t place) { pass(part, place); });
  }
  if (!bytes.empty()) pass(bytes, sequence);
}

void BodyDecoder::pass(ByteSpan bytes, std::uint32_t sequence) {
  if (type_.kind == BodyKind::audio)
    audio_.audio(track_, bytes, {sequence});
  else if (inner_ != nullptr && type_.kind != BodyKind::skipped)
    inner_->feed(bytes, sequence);
}

void BodyDecoder::gap() {
  if (inner_ != nullptr) inner_->gap();
  audio_.gap();
}

}  // namespace audio_latency
