// SPDX-License-Identifier: Apache-2.0
#include "sink_http_server.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "sink_http_stream.hpp"

namespace audio_latency {
namespace {

constexpr std::size_t kThreads = 8;
constexpr std::size_t kLongestQueue = 32;  // connections; more wait in the kernel's backlog

// The library's own queue has no bound. `queued` follows its length.
class BoundedQueue : public httplib::TaskQueue {
 public:
  explicit BoundedQueue(std::atomic<std::size_t>& queued) : queued_(queued) {
    for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
  }

  void enqueue(std::function<void()> job) override {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return jobs_.size() < kLongestQueue || stopped_; });
    jobs_.push_back(std::move(job));
    queued_ = jobs_.size();
    filled_.notify_one();
  }

  void shutdown() override {
    {
      const std::scoped_lock lock(mutex_);
      stopped_ = true;
    }
    filled_.notify_all();
    room_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    while (true) {
      std::function<void()> job;
      {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return !jobs_.empty() || stopped_; });
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
        queued_ = jobs_.size();
      }
      room_.notify_one();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  bool stopped_ = false;
  std::atomic<std::size_t>& queued_;
};

HttpQuery query_of(const httplib::Request& request) {
  HttpQuery query;
  for (const auto& [name, value] : request.params) query.emplace(name, value);
  return query;
}

}  // namespace

class HttpServer::Server : public httplib::Server {
 public:
  explicit Server(const std::map<std::string, HttpHandler>& handlers) {
    new_task_queue = [this] { return new BoundedQueue(pressure_.queued); };
    // The library's default, SO_REUSEPORT, lets two servers share a port and each see half of the requests.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
      if (request.method == "GET" || request.method == "HEAD") return HandlerResponse::Unhandled;
      response.status = 405;
      response.set_header("Allow", "GET, HEAD");
      return HandlerResponse::Handled;
    });
    for (const auto& [path, handler] : handlers) {
      Get(path, [answer = handler](const httplib::Request& request, httplib::Response& response) {
        const HttpAnswer result = answer(query_of(request));
        response.status = result.status;
        response.set_content(result.body, result.type);
      });
    }
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      const std::string text = std::to_string(response.status) + ": GET / lists what is here\n";
      if (response.body.empty()) response.set_content(text, "text/plain; charset=utf-8");
    });
  }

  bool start(const std::string& address, std::uint16_t port) {
    if (!bind_to_port(address, port)) return false;
    accepting_ = std::thread([this] {
      listen_after_bind();
      ended_ = true;
    });
    return true;
  }

  void end() {
    pressure_.stopping = true;
    if (!accepting_.joinable()) return;
    // Before the accepting thread has begun, stop() has no effect.
    while (!is_running() && !ended_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop();
    accepting_.join();
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    HttpStream stream(socket, pressure_);
    bool closed = false;
    return stream.read_head() && process_request(stream, true, closed, nullptr);
  }

  HttpStream::Pressure pressure_;
  std::atomic<bool> ended_ = false;
  std::thread accepting_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::create(const std::string& address, std::uint16_t port,
                                                       const std::map<std::string, HttpHandler>& handlers) {
  auto server = std::make_unique<Server>(handlers);
  errno = 0;
  if (!server->start(address, port)) {
    return Error{"The HTTP server can't listen on METRICS_ADDRESS " + address + ", METRICS_PORT " +
                 std::to_string(port) + ": " + std::strerror(errno) +
                 "; choose an address of this host and a free port."};
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(server)));
}

HttpServer::HttpServer(std::unique_ptr<Server> server) : server_(std::move(server)) {}

HttpServer::~HttpServer() {
  server_->end();
}

}  // namespace audio_latency
