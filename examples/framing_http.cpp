// SPDX-License-Identifier: Apache-2.0
// Chunked bodies: WAVE, or server-sent events with hex in JSON. Who sends audio as a client uploads it, as a server
// answers a request with it.
#include <algorithm>
#include <array>
#include <string_view>

#include "framing.hpp"
#include "http.hpp"
#include "text_coding.hpp"

namespace audio_latency::examples {
namespace {

constexpr const char* kKey = "audio";

// RIFF/WAVE of unknown length.
std::string wav_header(const StreamFormat& format) {
  const std::uint32_t width = static_cast<std::uint32_t>(bytes_per_sample(format.codec));
  const std::uint32_t tag = format.codec == Codec::pcmu ? 7 : format.codec == Codec::pcma ? 6 : 1;
  std::string header;
  const auto number = [&header](std::uint32_t value, int bytes) {
    for (; bytes > 0; --bytes, value >>= 8) {
      header += static_cast<char>(value & 0xFF);
    }
  };
  header = "RIFF";
  number(UINT32_MAX, 4);
  header += "WAVEfmt ";
  number(16, 4);
  number(tag, 2);
  number(1, 2);  // channels
  number(format.rate, 4);
  number(format.rate * width, 4);
  number(width, 2);
  number(8 * width, 2);
  header += "data";
  number(UINT32_MAX, 4);
  return header;
}

std::string chunk(std::string_view data) {
  std::string text;
  for (std::size_t size = data.size(); size > 0; size >>= 4) {
    text.insert(text.begin(), "0123456789abcdef"[size & 15]);
  }
  return text.append("\r\n").append(data).append("\r\n");
}

class HttpWriter : public AudioWriter {
 public:
  HttpWriter(Fd socket, Framing framing) : socket_(std::move(socket)), events_(framing == Framing::sse) {}

  Status write(std::span<const std::uint8_t> audio) override {
    if (!events_) {
      return send_text(socket_, chunk({reinterpret_cast<const char*>(audio.data()), audio.size()}));
    }
    const std::string json = std::string("{\"") + kKey + "\":\"" + to_text(TextForm::hex, audio) + "\"}";
    return send_text(socket_, chunk("event: audio\ndata: " + json + "\n\n"));
  }

 private:
  Fd socket_;
  bool events_;
};

// Takes a WAVE header off the front of a stream.
class WavSkipper {
 public:
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) {
    if (inside_) {
      audio.insert(audio.end(), bytes.begin(), bytes.end());
      return;
    }
    constexpr std::string_view kData = "data";
    front_.insert(front_.end(), bytes.begin(), bytes.end());
    const auto data = std::search(front_.begin(), front_.end(), kData.begin(), kData.end());
    if (front_.end() - data >= 8) {
      inside_ = true;
      audio.insert(audio.end(), data + 8, front_.end());
    }
  }

 private:
  std::vector<std::uint8_t> front_;
  bool inside_ = false;
};

class HttpReader : public AudioReader {
 public:
  HttpReader(std::vector<std::uint8_t> early, Framing framing)
      : early_(std::move(early)), events_(framing == Framing::sse) {}

  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    std::vector<std::uint8_t> body;
    chunks_.feed(std::exchange(early_, {}), body);
    chunks_.feed(bytes, body);
    if (events_) {
      values_.feed(body, audio);
    } else {
      wav_.feed(body, audio);
    }
  }

 private:
  std::vector<std::uint8_t> early_;
  bool events_;
  ChunkReader chunks_;
  ValueReader values_{kKey, TextForm::hex};
  WavSkipper wav_;
};

const char* content_type(Framing framing) {
  return framing == Framing::sse ? "text/event-stream" : "audio/wav";
}

std::string chunked_head(const std::string& start, Framing framing) {
  return start + "\r\nContent-Type: " + content_type(framing) + "\r\nTransfer-Encoding: chunked\r\n\r\n";
}

}  // namespace

MadeWriter make_http_writer(const StreamFormat& format, Fd socket, Role role) {
  std::string head = chunked_head("POST /audio HTTP/1.1\r\nHost: " + local_address(socket), format.framing);
  if (role == Role::server) {
    std::vector<std::uint8_t> rest;
    if (const auto request = read_http_head(socket, rest); !request) {
      return request.error();
    }
    head = chunked_head("HTTP/1.1 200 OK", format.framing);
  }
  if (format.framing == Framing::http) {
    head += chunk(wav_header(format));
  }
  if (const Status sent = send_text(socket, head); !sent) {
    return sent.error();
  }
  return std::unique_ptr<AudioWriter>(std::make_unique<HttpWriter>(std::move(socket), format.framing));
}

MadeReader make_http_reader(const StreamFormat& format, const Fd& socket, Role role) {
  if (role == Role::client) {
    const Status sent = send_text(socket, "GET /audio HTTP/1.1\r\nHost: " + local_address(socket) +
                                              "\r\nAccept: " + content_type(format.framing) + "\r\n\r\n");
    if (!sent) {
      return sent.error();
    }
  }
  std::vector<std::uint8_t> early;
  const auto head = read_http_head(socket, early);
  if (!head) {
    return head.error();
  }
  if (http_field(*head, "Transfer-Encoding") != "chunked") {
    return Error{"the peer sends no chunked body: " + head->substr(0, head->find("\r\n"))};
  }
  return std::unique_ptr<AudioReader>(std::make_unique<HttpReader>(std::move(early), format.framing));
}

}  // namespace audio_latency::examples
