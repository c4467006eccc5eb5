// SPDX-License-Identifier: Apache-2.0
// gRPC over HTTP/2 (RFC 9113) with prior knowledge: one call, each message a protobuf with the audio in bytes field 2.
// Both ends open their windows as wide as they go at the start, so that no one waits for the other; both are these
// programs.
#include <poll.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "framing.hpp"
#include "http.hpp"

namespace audio_latency::examples {
namespace {

constexpr int kPatienceMs = 10'000;
constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kMessageHeader = 5;  // a byte that says whether it is compressed, a length
constexpr std::uint8_t kField = 2 << 3 | 2;
constexpr std::uint32_t kWidest = 0x7FFFFFFF;  // a window, RFC 9113 §6.9.1
constexpr std::uint32_t kUsual = 65'535;       // the connection's window at the start

enum FrameType : std::uint8_t { kData = 0, kHeaders = 1, kSettings = 4, kWindowUpdate = 8 };
constexpr std::uint8_t kAck = 0x1;
constexpr std::uint8_t kEndHeaders = 0x4;

std::string big_endian(std::size_t value, unsigned bytes) {
  std::string text;
  while (bytes-- > 0) {
    text += static_cast<char>(value >> (8 * bytes) & 0xFF);
  }
  return text;
}

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, const std::string& payload) {
  return big_endian(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) + big_endian(stream, 4) +
         payload;
}

std::string widest_windows() {
  return frame(kSettings, 0, 0, big_endian(4, 2) + big_endian(kWidest, 4)) +  // SETTINGS_INITIAL_WINDOW_SIZE
         frame(kWindowUpdate, 0, 0, big_endian(kWidest - kUsual, 4));
}

// HPACK (RFC 7541) of header fields that need no table but the static one.
std::string literal(std::string_view index, std::string_view value) {
  return std::string(index) + static_cast<char>(value.size()) + std::string(value);
}
std::string head(Role role) {
  const std::string type = literal({"\x0f\x10", 2}, "application/grpc");  // content-type, not indexed
  if (role == Role::server) {
    return "\x88" + type;  // :status 200
  }
  return "\x83\x86" + literal("\x04", "/audio.Example/Stream") + literal("\x01", "example") + type;  // POST, http
}

void append_varint(std::string& to, std::size_t value) {
  for (; value >= 0x80; value >>= 7) {
    to += static_cast<char>(value | 0x80);
  }
  to += static_cast<char>(value);
}

// Takes frames and messages apart.
class GrpcReader : public AudioReader {
 public:
  explicit GrpcReader(std::string early) : frames_(std::move(early)) {}

  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    frames_.append(bytes.begin(), bytes.end());
    while (frames_.size() >= kFrameHeader && frames_.size() - kFrameHeader >= number(frames_, 0, 3)) {
      const std::size_t length = number(frames_, 0, 3);
      if (frames_[3] == kData) {
        messages_.append(frames_, kFrameHeader, length);
      }
      frames_.erase(0, kFrameHeader + length);
    }
    while (messages_.size() >= kMessageHeader && messages_.size() - kMessageHeader >= number(messages_, 1, 4)) {
      const std::size_t length = number(messages_, 1, 4);
      take_field(std::string_view(messages_).substr(kMessageHeader, length), audio);
      messages_.erase(0, kMessageHeader + length);
    }
  }

  static std::size_t number(std::string_view bytes, std::size_t at, std::size_t size) {
    std::size_t value = 0;
    for (const char byte : bytes.substr(at, size)) {
      value = value << 8 | static_cast<std::uint8_t>(byte);
    }
    return value;
  }

 private:
  static void take_field(std::string_view message, std::vector<std::uint8_t>& audio) {
    if (message.empty() || message.front() != kField) {
      return;
    }
    std::size_t at = 1;
    while (at < message.size() && (message[at] & 0x80) != 0) {
      ++at;
    }
    const std::string_view bytes = message.substr(std::min(at + 1, message.size()));
    audio.insert(audio.end(), bytes.begin(), bytes.end());
  }

  std::string frames_;
  std::string messages_;
};

class GrpcWriter : public AudioWriter {
 public:
  explicit GrpcWriter(Fd socket) : socket_(std::move(socket)) {}

  Status write(std::span<const std::uint8_t> audio) override {
    std::string message(1, kField);
    append_varint(message, audio.size());
    message.append(audio.begin(), audio.end());
    return send_text(socket_, frame(kData, 0, 1, std::string(1, '\0') + big_endian(message.size(), 4) + message));
  }

 private:
  Fd socket_;
};

// Until the peer's windows are open; gives back what came behind that.
Result<std::string> shake_hands(const Fd& socket, Role role) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string hello = (role == Role::client ? std::string(kPreface) : "") + widest_windows() +
                            frame(kHeaders, kEndHeaders, 1, head(role));
  if (const Status sent = send_text(socket, hello); !sent) {
    return sent.error();
  }
  std::string text;
  std::array<std::uint8_t, 4096> buffer{};
  const std::int64_t deadline = steady_clock_ns() + kPatienceMs * 1'000'000LL;
  const std::size_t front = role == Role::server ? kPreface.size() : 0;
  const std::size_t wanted = front + widest_windows().size();
  while (text.size() < wanted && steady_clock_ns() < deadline) {
    pollfd ready{socket.get(), POLLIN, 0};
    poll(&ready, 1, 100);
    const Received got = receive(socket, buffer);
    if (got.ended) {
      break;
    }
    text.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.length));
  }
  if (text.size() < wanted || text.substr(front, widest_windows().size()) != widest_windows()) {
    return Error{"the peer does not speak HTTP/2 as this program does"};
  }
  if (const Status sent = send_text(socket, frame(kSettings, kAck, 0, "")); !sent) {
    return sent.error();
  }
  return text.substr(wanted);
}

}  // namespace

MadeWriter make_grpc_writer(Fd socket, Role role) {
  if (const auto shaken = shake_hands(socket, role); !shaken) {
    return shaken.error();
  }
  return std::unique_ptr<AudioWriter>(std::make_unique<GrpcWriter>(std::move(socket)));
}

MadeReader make_grpc_reader(const Fd& socket, Role role) {
  auto early = shake_hands(socket, role);
  if (!early) {
    return early.error();
  }
  return std::unique_ptr<AudioReader>(std::make_unique<GrpcReader>(std::move(*early)));
}

}  // namespace audio_latency::examples
