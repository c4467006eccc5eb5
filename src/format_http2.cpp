// SPDX-License-Identifier: Apache-2.0
#include "format_http2.hpp"

#include <algorithm>
#include <string_view>

#include "audio_latency/wire/types.h"

namespace audio_latency {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static_assert(kPreface.size() == kHttp2Preface);
constexpr std::uint32_t kLongestFrame = 1U << 20;
constexpr std::uint32_t kTelling = 32;              // length of a DATA or HEADERS frame that is no chance
constexpr std::uint32_t kLargestStream = 1U << 24;  // that is believed
constexpr std::uint32_t kLongestMessage = 64U << 20;

enum FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPush = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9
};
constexpr std::uint8_t kPadded = 8;

bool has_right_length(const Http2Header& header) {
  switch (header.type) {
    case kPriority:
      return header.length == 5;
    case kReset:
    case kWindowUpdate:
      return header.length == 4;
    case kSettings:
      return header.length % 6 == 0 && header.length <= 240 && header.stream == 0;
    case kPing:
      return header.length == 8 && header.stream == 0;
    case kGoAway:
      return header.length >= 8 && header.stream == 0;
    default:
      return header.stream != 0 && header.length <= kLongestFrame;
  }
}

}  // namespace

bool read_http2_header(ByteSpan bytes, Http2Header& header) {
  header.length = static_cast<std::uint32_t>(bytes[0] << 16 | bytes[1] << 8 | bytes[2]);
  header.type = bytes[3];
  header.flags = bytes[4];
  header.stream = al_be32(bytes.data() + 5);
  if (header.type > kContinuation || (header.stream & 0x80000000) != 0) return false;
  if (header.type == kData && (header.flags & ~(1U | kPadded)) != 0) return false;
  return has_right_length(header);
}

// Quiet samples look like headers of small DATA frames, one behind the other: those prove nothing.
bool begins_with_http2(ByteSpan bytes) {
  if (bytes.size() >= kPreface.size() && std::equal(kPreface.begin(), kPreface.end(), bytes.begin())) return true;
  std::size_t at = 0;
  for (unsigned frames = 0; at + kHttp2Header <= bytes.size(); ++frames) {
    Http2Header header;
    if (!read_http2_header(bytes.subspan(at), header) || header.stream >= kLargestStream) return false;
    if (header.type <= kHeaders && header.length < kTelling) return false;
    if (frames == 1) return true;
    at += kHttp2Header + header.length;
    if (at == bytes.size()) return true;
  }
  return false;
}

Http2Stream::Http2Stream(AudioSink& audio, DecodeStatus& status, std::uint32_t id)
    : audio_(audio), status_(status), id_(id), protobuf_(audio, status) {}

void Http2Stream::feed(ByteSpan bytes, std::uint32_t sequence, std::uint32_t frame, bool starts) {
  if (starts && state_ == State::undecided) decide(bytes, frame);
  for (std::size_t at = 0; at < bytes.size();) {
    const ByteSpan rest = bytes.subspan(at);
    const std::uint32_t place = sequence + static_cast<std::uint32_t>(at);
    if (state_ == State::body) {
      body_->feed(rest, place);
      return;
    }
    if (state_ == State::undecided) return;  // began in the middle of a frame
    if (state_ == State::prefix) {
      prefix_[prefixed_++] = rest.front();
      ++at;
      if (prefixed_ == kPrefix) prefix_complete();
      continue;
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, rest.size()));
    if (deflated_)
      status_.deflated_bytes += size;
    else
      protobuf_.feed(rest.first(size), place);
    remaining_ -= size;
    at += size;
    if (remaining_ == 0) state_ = State::prefix;
  }
}

// A gRPC message's prefix: compressed or not, 32-bit length. Most messages are a frame of their own.
void Http2Stream::decide(ByteSpan front, std::uint32_t frame) {
  const std::uint32_t length = front.size() >= kPrefix ? al_be32(front.data() + 1) : 0;
  const bool grpc = front[0] == 0 || (front[0] == 1 && (front.size() < kPrefix || length + kPrefix == frame));
  if (grpc) {
    state_ = State::prefix;
    status_.layers |= kLayerGrpc;
    return;
  }
  state_ = State::body;
  body_ = std::make_unique<BodyDecoder>(audio_, status_, id_);
  body_->begin_body({});
}

void Http2Stream::prefix_complete() {
  prefixed_ = 0;
  deflated_ = prefix_[0] == 1;
  remaining_ = al_be32(prefix_.data() + 1);
  if (prefix_[0] > 1 || remaining_ > kLongestMessage) {
    status_.lost = "a message prefix of gRPC was expected and something else came";
    ++status_.resyncs;
    state_ = State::undecided;
    return;
  }
  status_.lost = nullptr;
  state_ = remaining_ == 0 ? State::prefix : State::message;
  protobuf_.begin_message(id_, remaining_);
}

Http2Decoder::Http2Decoder(AudioSink& audio, DecodeStatus& status) : audio_(audio), status_(status) {
  status.layers |= kLayerHttp2;
}

void Http2Decoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ByteSpan rest = bytes.subspan(at);
    if (!in_step_)
      at += search(rest);
    else if (remaining_ == 0)
      at += header(rest);
    else
      at += payload(rest, sequence + static_cast<std::uint32_t>(at));
  }
}

void Http2Decoder::gap() {
  lose("bytes are missing");
  streams_.clear();
  audio_.gap();
}

void Http2Decoder::lose(const char* why) {
  if (in_step_) ++status_.resyncs;
  status_.lost = why;
  in_step_ = false;
  partial_size_ = 0;
  remaining_ = 0;
}

std::size_t Http2Decoder::search(ByteSpan bytes) {
  std::size_t at = 0;
  Http2Header first;
  // A DATA frame may be longer than the packet that it begins with.
  const bool longer = bytes.size() >= kHttp2Header && read_http2_header(bytes, first) && first.type == kData &&
                      first.length >= 64 && first.stream < kLargestStream && bytes.size() < kHttp2Header + first.length;
  while (!longer && at < bytes.size() && !begins_with_http2(bytes.subspan(at))) ++at;
  status_.skipped_bytes += at;
  if (at == bytes.size()) return at;
  in_step_ = true;
  status_.lost = nullptr;
  audio_.gap();
  return at;
}

std::size_t Http2Decoder::header(ByteSpan bytes) {
  std::size_t used = 0;
  while (partial_size_ < kHttp2Header && used < bytes.size()) partial_[partial_size_++] = bytes[used++];
  if (partial_size_ < kHttp2Header) return used;
  partial_size_ = 0;
  if (std::equal(partial_.begin(), partial_.end(), kPreface.begin())) {
    frame_ = {};
    frame_.type = kSettings;  // passed over like one
    remaining_ = kHttp2Preface - kHttp2Header;
    return used;
  }
  if (!read_http2_header(partial_, frame_)) {
    lose("a frame header of HTTP/2 was expected and something else came");
    status_.skipped_bytes += bytes.size();
    return bytes.size();  // the next packet may begin with one
  }
  remaining_ = frame_.length;
  padding_ = 0;
  pad_length_next_ = frame_.type == kData && (frame_.flags & kPadded) != 0;
  data_begins_ = true;
  const bool ends = frame_.type == kReset;
  if (ends) std::erase_if(streams_, [&](const auto& each) { return each->id() == frame_.stream; });
  return used;
}

std::size_t Http2Decoder::payload(ByteSpan bytes, std::uint32_t sequence) {
  if (pad_length_next_) {
    pad_length_next_ = false;
    --remaining_;
    padding_ = std::min<std::uint32_t>(bytes.front(), remaining_);
    return 1;
  }
  const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(remaining_, bytes.size()));
  const std::uint32_t data = remaining_ > padding_ ? remaining_ - padding_ : 0;
  const std::uint32_t wanted = std::min(size, data);
  if (frame_.type == kData && wanted > 0) {
    stream(frame_.stream).feed(bytes.first(wanted), sequence, data, data_begins_);
    data_begins_ = false;
  }
  remaining_ -= size;
  return size;
}

Http2Stream& Http2Decoder::stream(std::uint32_t id) {
  ++clock_;
  auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& each) { return each->id() == id; });
  if (found == streams_.end()) {
    if (streams_.size() >= kStreams) {
      streams_.erase(std::min_element(streams_.begin(), streams_.end(),
                                      [](const auto& a, const auto& b) { return a->used < b->used; }));
    }
    streams_.push_back(std::make_unique<Http2Stream>(audio_, status_, id));
    found = std::prev(streams_.end());
  }
  (*found)->used = clock_;
  return **found;
}

}  // namespace audio_latency
