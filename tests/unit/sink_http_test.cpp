// SPDX-License-Identifier: Apache-2.0
#include "sink_http.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>
#include <sys/socket.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "fd.hpp"
#include "sink_metrics_process.hpp"

namespace audio_latency {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

SocketAddress address(const char* text) {
  return *SocketAddress::parse(text);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

// A port that is free now; another process may take it before the test does.
std::uint16_t free_port() {
  const Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto name = loopback(0);
  socklen_t length = sizeof name;
  EXPECT_EQ(bind(probe.get(), reinterpret_cast<sockaddr*>(&name), length), 0);
  EXPECT_EQ(getsockname(probe.get(), reinterpret_cast<sockaddr*>(&name), &length), 0);
  return ntohs(name.sin_port);
}

Fd connected(std::uint16_t port) {
  Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto to = loopback(port);
  EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  return client;
}

void send_text(const Fd& client, const std::string& text) {
  EXPECT_EQ(send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

std::string read_all(const Fd& client) {
  std::string answer;
  std::array<char, 4096> piece{};
  while (true) {
    pollfd ready{client.get(), POLLIN, 0};
    if (poll(&ready, 1, 20'000) <= 0) return answer + "(timed out)";
    const ssize_t count = recv(client.get(), piece.data(), piece.size(), 0);
    if (count <= 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(count));
  }
}

class Http : public testing::Test {
 protected:
  Http() {
    prometheus::BuildCounter().Name("test_total").Help("A test.").Register(registry_).Add({}).Increment();
    for (int attempt = 0; attempt < 10 && !server_; ++attempt) {
      port_ = free_port();
      auto server = HttpServer::create("127.0.0.1", port_, http_endpoints(board_, {&registry_, &process_}));
      if (server) server_ = std::move(*server);
    }
  }

  std::string ask(const std::string& request) {
    const Fd client = connected(port_);
    send_text(client, request);
    return read_all(client);
  }
  std::string get(const std::string& target) { return ask("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"); }
  nlohmann::json json(const std::string& target) {
    const std::string answer = get(target);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    return nlohmann::json::parse(answer.substr(answer.find("\r\n\r\n")));
  }

  Board board_;
  prometheus::Registry registry_;
  ProcessMetrics process_;
  std::uint16_t port_ = 0;
  std::unique_ptr<HttpServer> server_;
};

NamedMatch match(std::int64_t latency_ns, const std::string& source, const std::string& dest) {
  Match match;
  match.latency_ns = latency_ns;
  match.source = address("10.0.0.1:5004");
  match.dest = address("[2001:db8::1]:6000");
  match.signature = 0xabc;
  return {match, {source, "media"}, {dest, "-"}, 1'700'000'000'000'000'001};
}

TEST_F(Http, ServesMetricsInTextFormat) {
  const std::string answer = get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(answer, HasSubstr("\n# TYPE test_total counter\ntest_total 1\n"));
  EXPECT_THAT(answer, HasSubstr("\nprocess_resident_memory_bytes "));
  EXPECT_THAT(answer, HasSubstr("\nprocess_cpu_seconds_total "));
  EXPECT_THAT(answer, HasSubstr("\nprocess_start_time_seconds "));
}

TEST_F(Http, ReadinessHasAReason) {
  EXPECT_THAT(get("/readyz"), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("starting")));
  board_.set_not_ready_reason("eth7 is missing");
  EXPECT_THAT(get("/readyz"), AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("eth7 is missing")));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(get("/health"), StartsWith("HTTP/1.1 200"));
  board_.set_not_ready_reason("");
  EXPECT_THAT(get("/readyz"), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("\r\n\r\nready\n")));
  board_.set_limits("processes, since PROCESS_IDENTITY is off");
  EXPECT_THAT(get("/readyz"),
              AllOf(StartsWith("HTTP/1.1 200"), EndsWith("Not named: processes, since PROCESS_IDENTITY is off.\n")));
}

TEST_F(Http, ListsRecentMatchesNewestFirst) {
  EXPECT_EQ(json("/api/v1/matches"), nlohmann::json::array());
  board_.add_matches({match(1'000'000, "a", "b"), match(2'000'000, "a", "c")});
  const auto matches = json("/api/v1/matches");
  ASSERT_EQ(matches.size(), 2U);
  EXPECT_EQ(matches[0]["latency_seconds"], 0.002);
  EXPECT_EQ(matches[0]["dest_pod"], "c");
  EXPECT_EQ(matches[0]["dest"], "[2001:db8::1]:6000");
  EXPECT_EQ(matches[0]["time"], "2023-11-14T22:13:20.000000001Z");
  EXPECT_EQ(json("/api/v1/matches?limit=1").size(), 1U);
  EXPECT_EQ(json("/api/v1/matches?dest=b")[0]["latency_seconds"], 0.001);
  EXPECT_EQ(json("/api/v1/matches?source=10.0.0.1:5004").size(), 2U);
  EXPECT_EQ(json("/api/v1/matches?source=10.0.0.1:5005").size(), 0U);
}

TEST_F(Http, KeepsABoundedNumberOfMatches) {
  board_.add_matches(std::vector<NamedMatch>(Board::kRecentMatches, match(1, "a", "b")));
  board_.add_matches({match(2, "new", "b")});
  EXPECT_EQ(board_.matches().size(), Board::kRecentMatches);
  EXPECT_EQ(board_.matches().back().source.pod, "new");
}

TEST_F(Http, ListsLinks) {
  NamedLink link;
  link.link.earlier = {address("10.0.0.1:1"), address("10.0.0.2:2"), 17};
  link.link.later = {address("10.0.0.2:3"), address("10.0.0.3:4"), 17};
  link.link.matches = 7;
  link.link.current_seconds = 0.25;
  link.source = {"telephony", "media"};
  link.dest = {"asr", "media"};
  board_.set_links({link});
  const auto links = json("/api/v1/links");
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0]["source_pod"], "telephony");
  EXPECT_EQ(links[0]["matches"], 7);
  EXPECT_EQ(links[0]["current_seconds"], 0.25);
  EXPECT_EQ(links[0]["later_flow"], "10.0.0.2:3 > 10.0.0.3:4");
  EXPECT_EQ(json("/api/v1/links?dest=other").size(), 0U);
}

TEST_F(Http, ListsFlows) {
  NamedFlow flow;
  flow.view.flow = {address("10.0.0.1:1"), address("10.0.0.2:2"), 6};
  flow.view.handling = AL_IGNORE;
  flow.view.why = "TLS records: encrypted";
  flow.view.unhashable = Unhashable::tls;
  flow.view.codec = AL_CODEC_PCMU;
  flow.source = {"telephony", "media"};
  flow.dest = {"relay", "media"};
  flow.partners = {"10.0.0.2:3 > 10.0.0.3:4"};
  board_.set_flows({flow});
  const auto flows = json("/api/v1/flows");
  ASSERT_EQ(flows.size(), 1U);
  EXPECT_EQ(flows[0]["source"], "10.0.0.1:1");
  EXPECT_EQ(flows[0]["protocol"], "tcp");
  EXPECT_EQ(flows[0]["verdict"], "ignored");
  EXPECT_EQ(flows[0]["why"], "TLS records: encrypted");
  EXPECT_EQ(flows[0]["unhashable"], "tls");
  EXPECT_EQ(flows[0]["codec"], "pcmu");
  EXPECT_EQ(flows[0]["partners"][0], "10.0.0.2:3 > 10.0.0.3:4");
  EXPECT_EQ(json("/api/v1/flows?source=telephony").size(), 1U);
  EXPECT_EQ(json("/api/v1/flows?source=other").size(), 0U);
}

TEST_F(Http, RefusesWhatItDoesNotKnow) {
  for (const char* query : {"limit=0", "limit=x", "limit=4097", "sauce=a"}) {
    EXPECT_THAT(get(std::string("/api/v1/matches?") + query), AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("allowed")));
  }
  EXPECT_THAT(get("/nothing"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get("/"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("/api/v1/links")));
  EXPECT_THAT(ask("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(ask("HEAD /metrics HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, HeadersCannotHurt) {
  // Each would cost memory or time if it reached the library: many ranges, a body that never ends, bad lengths.
  for (const char* header : {"Range: bytes=0-,0-,0-,0-", "Transfer-Encoding: chunked", "Content-Length: -1",
                             "Content-Length: 99999999999", "Expect: 100-continue", "Connection: keep-alive"}) {
    const std::string answer = ask(std::string("GET /metrics HTTP/1.1\r\n") + header + "\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200")) << header;
    EXPECT_THAT(answer, Not(HasSubstr("timed out"))) << header;
  }
  EXPECT_THAT(ask("\x01\x02garbage\r\n\r\n"), Not(HasSubstr("timed out")));
  EXPECT_THAT(ask("GET /" + std::string(20'000, 'a')), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(Http, ClientsThatSayNothingDoNotBlockOthersForLong) {
  std::vector<Fd> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(connected(port_));
    if (i % 2 == 0) send_text(silent.back(), "GET /metrics HTTP/1.1\r\n");
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));  // 20 s without hurry
}

TEST_F(Http, StopsAtOnceWhateverClientsDo) {
  std::vector<Fd> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(connected(port_));
  const auto start = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(Http, APortInUseIsASentence) {
  const auto second = HttpServer::create("127.0.0.1", port_, {});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message,
              AllOf(HasSubstr("METRICS_PORT " + std::to_string(port_)), HasSubstr("Address already in use")));
  EXPECT_FALSE(HttpServer::create("192.0.2.1", port_, {}).ok());
}

}  // namespace
}  // namespace audio_latency
