// SPDX-License-Identifier: Apache-2.0
#include "sink_http.hpp"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include "options_parse.hpp"

namespace audio_latency {
namespace {

constexpr const char* kJson = "application/json";
constexpr std::size_t kDefaultLimit = 100;

constexpr const char* kFrontPage =
    "Audio Latency Tracker\n\n"
    "/metrics          Prometheus text format\n"
    "/healthz, /health alive\n"
    "/readyz           everything is attached and in step; 503 with the reason otherwise\n"
    "/api/v1/flows     flows that were seen, what they carry, why they are measured or not (JSON)\n"
    "/api/v1/links     pairs of flows that carry the same audio now (JSON)\n"
    "/api/v1/matches   recent latencies, newest first (JSON)\n\n"
    "The API takes ?limit=N (default 100), ?source= and ?dest= (an address:port or a pod).\n";

HttpAnswer metrics_page(const std::vector<const prometheus::Collectable*>& metrics) {
  std::vector<prometheus::MetricFamily> families;
  for (const prometheus::Collectable* each : metrics) {
    auto more = each->Collect();
    families.insert(families.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return {200, "text/plain; version=0.0.4; charset=utf-8", prometheus::TextSerializer().Serialize(families)};
}

// ?limit, ?source, ?dest.
struct Filter {
  std::size_t limit = kDefaultLimit;
  std::string source;
  std::string dest;

  bool takes(const SocketAddress& source_address, const EndpointLabel& source_label, const SocketAddress& dest_address,
             const EndpointLabel& dest_label) const {
    const auto fits = [](const std::string& wanted, const SocketAddress& address, const EndpointLabel& label) {
      return wanted.empty() || wanted == label.pod || wanted == address.to_string();
    };
    return fits(source, source_address, source_label) && fits(dest, dest_address, dest_label);
  }
};

Result<Filter> filter_of(const HttpQuery& query) {
  Filter filter;
  for (const auto& [name, value] : query) {
    if (name == "limit") {
      const auto limit = parse_number<std::size_t>(value, 1, Board::kRecentMatches);
      if (!limit) {
        return Error{"limit is " + shown(value) + ": allowed is a number from 1 to " +
                     std::to_string(Board::kRecentMatches) + "."};
      }
      filter.limit = *limit;
    } else if (name == "source") {
      filter.source = value;
    } else if (name == "dest") {
      filter.dest = value;
    } else {
      return Error{"The parameter " + shown(name) + " is unknown; allowed are limit, source, dest."};
    }
  }
  return filter;
}

// The objects from `begin` on that the filter takes, as a JSON array.
template <typename Iterator, typename Takes, typename Print>
HttpAnswer array_of(Iterator begin, Iterator end, std::size_t limit, Takes takes, Print print) {
  std::string body = "[";
  for (; begin != end && limit > 0; ++begin) {
    if (!takes(*begin)) continue;
    body += (body.size() > 1 ? ",\n" : "\n") + print(*begin);
    --limit;
  }
  return {200, kJson, body + "\n]\n"};
}

HttpAnswer matches_page(const Board& board, const HttpQuery& query) {
  const auto filter = filter_of(query);
  if (!filter) return {400, "text/plain; charset=utf-8", filter.error().message + "\n"};
  const auto matches = board.matches();
  const auto takes = [&](const NamedMatch& each) {
    return filter->takes(each.match.source, each.source, each.match.dest, each.dest);
  };
  return array_of(matches.rbegin(), matches.rend(), filter->limit, takes, match_json);
}

HttpAnswer links_page(const Board& board, const HttpQuery& query) {
  const auto filter = filter_of(query);
  if (!filter) return {400, "text/plain; charset=utf-8", filter.error().message + "\n"};
  const auto links = board.links();
  const auto takes = [&](const NamedLink& each) {
    return filter->takes(each.link.earlier.source, each.source, each.link.later.destination, each.dest);
  };
  return array_of(links->begin(), links->end(), filter->limit, takes, link_json);
}

HttpAnswer flows_page(const Board& board, const HttpQuery& query) {
  const auto filter = filter_of(query);
  if (!filter) return {400, "text/plain; charset=utf-8", filter.error().message + "\n"};
  const auto flows = board.flows();
  const auto takes = [&](const NamedFlow& each) {
    return filter->takes(each.view.flow.source, each.source, each.view.flow.destination, each.dest);
  };
  return array_of(flows->begin(), flows->end(), filter->limit, takes, flow_json);
}

HttpAnswer ready_page(const Board& board) {
  const std::string reason = board.not_ready_reason();
  const std::string limits = board.limits();
  const std::string also = limits.empty() ? "" : "Not named: " + limits + ".\n";
  if (reason.empty()) return {200, "text/plain; charset=utf-8", "ready\n" + also};
  return {503, "text/plain; charset=utf-8", reason + "\n"};
}

}  // namespace

std::map<std::string, HttpHandler> http_endpoints(const Board& board,
                                                  std::vector<const prometheus::Collectable*> metrics) {
  const auto alive = [](const HttpQuery&) { return HttpAnswer{200, "text/plain; charset=utf-8", "alive\n"}; };
  return {
      {"/",
       [](const HttpQuery&) {
         return HttpAnswer{200, "text/plain; charset=utf-8", kFrontPage};
       }},
      {"/metrics", [metrics = std::move(metrics)](const HttpQuery&) { return metrics_page(metrics); }},
      {"/healthz", alive},
      {"/health", alive},
      {"/readyz", [&board](const HttpQuery&) { return ready_page(board); }},
      {"/api/v1/flows", [&board](const HttpQuery& query) { return flows_page(board, query); }},
      {"/api/v1/links", [&board](const HttpQuery& query) { return links_page(board, query); }},
      {"/api/v1/matches", [&board](const HttpQuery& query) { return matches_page(board, query); }},
  };
}

}  // namespace audio_latency
