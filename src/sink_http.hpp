// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sink_board.hpp"
#include "sink_http_server.hpp"

namespace prometheus {
class Collectable;
}

namespace audio_latency {

// The endpoints (docs/METRICS.md): /metrics, /healthz, /health, /readyz, /api/v1/flows, /api/v1/links, /api/v1/matches
// and /. Board and collectables must outlive the server that uses them.
std::map<std::string, HttpHandler> http_endpoints(const Board& board,
                                                  std::vector<const prometheus::Collectable*> metrics);

}  // namespace audio_latency
