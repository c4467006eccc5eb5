// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "audio_latency/result.hpp"

namespace audio_latency {

struct HttpAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};
using HttpQuery = std::map<std::string, std::string>;  // ?limit=10 → {"limit", "10"}; the first of equal names
using HttpHandler = std::function<HttpAnswer(const HttpQuery&)>;

// GET and HEAD of a few fixed paths by a few threads, with bounds that a hostile client can't get past: a request's
// head has 8 KiB and two seconds, an answer ten seconds, each connection serves one request, and what more than
// the threads and a short queue can take waits in the kernel. Handlers run on these threads.
class HttpServer {
 public:
  // Listens at once, so that a port in use is an error before anything else has happened.
  static Result<std::unique_ptr<HttpServer>> create(const std::string& address, std::uint16_t port,
                                                    const std::map<std::string, HttpHandler>& handlers);
  ~HttpServer();  // stops within a fraction of a second, whatever clients do
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

 private:
  class Server;
  explicit HttpServer(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace audio_latency
