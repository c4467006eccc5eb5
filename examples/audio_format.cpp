// SPDX-License-Identifier: Apache-2.0
#include "audio_format.hpp"

#include <algorithm>

#include "framing.hpp"

namespace audio_latency::examples {
namespace {

class RawWriter : public AudioWriter {
 public:
  explicit RawWriter(Fd socket) : socket_(std::move(socket)) {}
  Status write(std::span<const std::uint8_t> audio) override { return send_all(socket_, audio); }

 private:
  Fd socket_;
};

class RawReader : public AudioReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    audio.insert(audio.end(), bytes.begin(), bytes.end());
  }
};

// What a framing carries, the usual codec first.
std::vector<Codec> codecs_of(Framing framing) {
  switch (framing) {
    case Framing::rtp:
      return {Codec::pcmu, Codec::pcma, Codec::pcm16be};
    case Framing::twilio:
      return {Codec::pcmu, Codec::pcma};
    case Framing::openai:
    case Framing::http:
      return {Codec::pcm16, Codec::pcmu, Codec::pcma};
    case Framing::audiosocket:
      return {Codec::pcm16};
    default:
      return {Codec::pcm16, Codec::pcm16be, Codec::pcmu, Codec::pcma};
  }
}

std::string name_of(Framing framing) {
  const auto& names = framing_names();
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& each) { return each.second == framing; });
  return found->first;
}

}  // namespace

const std::map<std::string, Framing>& framing_names() {
  static const std::map<std::string, Framing> names{{"rtp", Framing::rtp},
                                                    {"udp", Framing::udp},
                                                    {"tcp", Framing::tcp},
                                                    {"websocket", Framing::websocket},
                                                    {"twilio", Framing::twilio},
                                                    {"openai", Framing::openai},
                                                    {"sse", Framing::sse},
                                                    {"http", Framing::http},
                                                    {"audiosocket", Framing::audiosocket},
                                                    {"grpc", Framing::grpc}};
  return names;
}

Transport transport_of(Framing framing) {
  return framing == Framing::rtp || framing == Framing::udp ? Transport::udp : Transport::tcp;
}

Result<StreamFormat> stream_format(Framing framing, std::optional<Codec> codec, std::uint32_t rate) {
  const std::vector<Codec> carried = codecs_of(framing);
  const Codec wanted = codec.value_or(carried.front());
  if (std::find(carried.begin(), carried.end(), wanted) == carried.end()) {
    std::string allowed;
    for (const Codec each : carried) {
      allowed += (allowed.empty() ? "" : ", ") + name_of(each);
    }
    return Error{name_of(framing) + " does not carry " + name_of(wanted) + "; allowed: " + allowed};
  }
  return StreamFormat{framing, wanted, rate};
}

MadeWriter make_writer(const StreamFormat& format, Fd socket, Role role) {
  switch (format.framing) {
    case Framing::rtp:
      return make_rtp_writer(format, std::move(socket));
    case Framing::websocket:
    case Framing::twilio:
    case Framing::openai:
      return make_websocket_writer(format, std::move(socket), role);
    case Framing::sse:
    case Framing::http:
      return make_http_writer(format, std::move(socket), role);
    case Framing::audiosocket:
      return make_audiosocket_writer(format, std::move(socket), role);
    case Framing::grpc:
      return make_grpc_writer(std::move(socket), role);
    default:
      return std::unique_ptr<AudioWriter>(std::make_unique<RawWriter>(std::move(socket)));
  }
}

MadeReader make_reader(const StreamFormat& format, const Fd& socket, Role role) {
  switch (format.framing) {
    case Framing::rtp:
      return make_rtp_reader();
    case Framing::websocket:
    case Framing::twilio:
    case Framing::openai:
      return make_websocket_reader(format, socket, role);
    case Framing::sse:
    case Framing::http:
      return make_http_reader(format, socket, role);
    case Framing::audiosocket:
      return make_audiosocket_reader();
    case Framing::grpc:
      return make_grpc_reader(socket, role);
    default:
      return std::unique_ptr<AudioReader>(std::make_unique<RawReader>());
  }
}

}  // namespace audio_latency::examples
