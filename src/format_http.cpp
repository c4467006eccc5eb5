// SPDX-License-Identifier: Apache-2.0
#include "format_http.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace audio_latency {
namespace {

constexpr std::uint64_t kLargestChunk = 64U << 20;
constexpr std::size_t kLongestChunkLine = 64;  // with extensions

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

bool starts_with(ByteSpan bytes, std::string_view word) {
  return bytes.size() >= word.size() && std::equal(word.begin(), word.end(), bytes.begin());
}

}  // namespace

bool begins_with_http(ByteSpan bytes) {
  constexpr std::array<std::string_view, 9> kStarts = {"HTTP/1.", "GET ",    "POST ",    "PUT ",    "HEAD ",
                                                       "PATCH ",  "DELETE ", "OPTIONS ", "CONNECT "};
  return std::any_of(kStarts.begin(), kStarts.end(), [&](std::string_view start) { return starts_with(bytes, start); });
}

std::size_t read_chunk_line(ByteSpan bytes, std::uint64_t& size) {
  size = 0;
  std::size_t at = 0;
  const auto most = std::min<std::size_t>(bytes.size(), kLongestChunkLine);
  for (; at < most && at < 8; ++at) {
    const std::uint8_t c = bytes[at];
    const std::uint8_t l = c | 0x20;
    if (c >= '0' && c <= '9')
      size = size << 4 | (c - '0');
    else if (l >= 'a' && l <= 'f')
      size = size << 4 | (l - 'a' + 10U);
    else
      break;
  }
  if (at == 0) return 0;
  if (at < most && bytes[at] == ';')
    while (at < most && bytes[at] != '\r' && bytes[at] >= 0x20 && bytes[at] < 0x7f) ++at;
  const bool ends = at + 1 < bytes.size() && bytes[at] == '\r' && bytes[at + 1] == '\n';
  return ends && size <= kLargestChunk ? at + 2 : 0;
}

void HttpDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ByteSpan rest = bytes.subspan(at);
    const std::uint32_t place = sequence + static_cast<std::uint32_t>(at);
    switch (state_) {
      case State::search:
        at += search(rest);
        break;
      case State::upgraded:
        websocket_->feed(rest, place);
        return;
      case State::body:
      case State::chunk:
        at += pass(rest, place);
        break;
      default:
        at += line(rest);
    }
  }
}

void HttpDecoder::gap() {
  if (state_ == State::upgraded) {
    websocket_->gap();
    return;
  }
  body_.gap();
  // A body up to the connection's end goes on behind the gap, and so does a counted one as far as anyone knows.
  if (state_ == State::body && remaining_ == kToTheEnd) return;
  lose("bytes are missing");
}

void HttpDecoder::lose(const char* why) {
  if (state_ != State::search) ++status_.resyncs;
  status_.lost = why;
  state_ = State::search;
  line_.clear();
}

// How many bytes to pass over. A chunk's start counts where a packet begins with it, or where a line's end is before.
std::size_t HttpDecoder::search(ByteSpan bytes) {
  std::uint64_t size = 0;
  const auto found = [&](State state) {
    state_ = state;
    status_.lost = nullptr;
  };
  if (begins_with_http(bytes)) {
    found(State::line);
    return 0;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const bool line_starts = at == 0 || (at >= 2 && bytes[at - 1] == '\n' && bytes[at - 2] == '\r');
    if (!line_starts) continue;
    if (at > 0 && begins_with_http(bytes.subspan(at))) {
      found(State::line);
    } else if (read_chunk_line(bytes.subspan(at), size) != 0 && size > 0) {
      body_.begin_body({});
      chunked_ = true;
      status_.layers |= kLayerChunked;
      found(State::chunk_line);
    }
    if (state_ != State::search) {
      audio_.gap();
      status_.skipped_bytes += at;
      return at;
    }
  }
  status_.skipped_bytes += bytes.size();
  return bytes.size();
}

std::size_t HttpDecoder::line(ByteSpan bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), '\n');
  const auto size = static_cast<std::size_t>(end - bytes.begin());
  const std::size_t kept = std::min(size, kLongestLine - std::min(kLongestLine, line_.size()));
  line_.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept));
  if (end == bytes.end()) {
    // What is no text is no line.
    if (line_.size() == kLongestLine && state_ != State::header)
      lose("a line of HTTP was expected and something else came");
    return size;
  }
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  line_complete();
  line_.clear();
  return size + 1;
}

void HttpDecoder::line_complete() {
  switch (state_) {
    case State::line:
      if (!line_.empty()) start_line();
      break;
    case State::header:
      if (line_.empty())
        headers_complete();
      else
        header_line();
      break;
    case State::chunk_line:
      chunk_line();
      break;
    case State::chunk_end:
      state_ = State::chunk_line;
      if (!line_.empty()) lose("a chunk did not end where its size says");
      break;
    default:  // trailer
      if (line_.empty()) state_ = State::line;
  }
}

void HttpDecoder::start_line() {
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(line_.data()), line_.size());
  if (!begins_with_http(bytes)) {
    lose("a start line of HTTP was expected and something else came");
    return;
  }
  response_ = line_.compare(0, 7, "HTTP/1.") == 0;
  const std::string_view status = response_ && line_.size() >= 12 ? std::string_view(line_).substr(9, 3) : "";
  no_body_ = response_ && (status.empty() || status[0] == '1' || status == "204" || status == "304");
  upgrade_ = chunked_ = encoded_ = counted_ = false;
  length_ = 0;
  type_ = {};
  state_ = State::header;
  status_.lost = nullptr;
}

void HttpDecoder::header_line() {
  const auto colon = line_.find(':');
  if (colon == std::string::npos) return;
  const std::string name = lower_case(std::string_view(line_).substr(0, colon));
  const std::string_view value = trimmed(std::string_view(line_).substr(colon + 1));
  if (name == "content-length") {
    counted_ = std::from_chars(value.data(), value.data() + value.size(), length_).ec == std::errc();
  } else if (name == "transfer-encoding") {
    chunked_ = lower_case(value).find("chunked") != std::string::npos;
  } else if (name == "content-type") {
    type_ = body_type(value);
  } else if (name == "content-encoding") {
    encoded_ = lower_case(value) != "identity";
  } else if (name == "upgrade") {
    upgrade_ = lower_case(value).find("websocket") != std::string::npos;
  }
}

void HttpDecoder::headers_complete() {
  if (upgrade_) {
    state_ = State::upgraded;
    websocket_ = std::make_unique<WebSocketDecoder>(audio_, status_, true);
    return;
  }
  state_ = State::line;
  if (no_body_) return;
  BodyType type = type_;
  if (encoded_) type.kind = BodyKind::skipped;
  if (chunked_) {
    status_.layers |= kLayerChunked;
    state_ = State::chunk_line;
  } else if (counted_ ? length_ > 0 : response_) {
    remaining_ = counted_ ? length_ : kToTheEnd;
    state_ = State::body;
  } else {
    return;
  }
  body_.begin_body(type);
}

void HttpDecoder::chunk_line() {
  line_ += "\r\n";
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(line_.data()), line_.size());
  if (read_chunk_line(bytes, remaining_) != line_.size()) {
    lose("a chunk size was expected and something else came");
    return;
  }
  state_ = remaining_ == 0 ? State::trailer : State::chunk;
}

std::size_t HttpDecoder::pass(ByteSpan bytes, std::uint32_t sequence) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
  const bool wanted = type_.kind == BodyKind::audio || type_.kind == BodyKind::sse;
  if (encoded_ && wanted) status_.deflated_bytes += size;
  body_.feed(bytes.first(size), sequence);
  if (remaining_ == kToTheEnd) return size;
  remaining_ -= size;
  if (remaining_ == 0) state_ = state_ == State::chunk ? State::chunk_end : State::line;
  return size;
}

}  // namespace audio_latency
