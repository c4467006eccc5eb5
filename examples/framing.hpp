// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audio_format.hpp"

// The makers of each family of framings, for make_writer() and make_reader() alone.
namespace audio_latency::examples {

MadeWriter make_rtp_writer(const StreamFormat& format, Fd socket);
MadeReader make_rtp_reader();

// WebSocket: binary frames, or JSON in text frames (twilio, openai).
MadeWriter make_websocket_writer(const StreamFormat& format, Fd socket, Role role);
MadeReader make_websocket_reader(const StreamFormat& format, const Fd& socket, Role role);

// HTTP/1.1 chunked bodies: WAVE, or server-sent events.
MadeWriter make_http_writer(const StreamFormat& format, Fd socket, Role role);
MadeReader make_http_reader(const StreamFormat& format, const Fd& socket, Role role);

MadeWriter make_audiosocket_writer(const StreamFormat& format, Fd socket, Role role);
MadeReader make_audiosocket_reader();

MadeWriter make_grpc_writer(Fd socket, Role role);
MadeReader make_grpc_reader(const Fd& socket, Role role);

}  // namespace audio_latency::examples
