// SPDX-License-Identifier: Apache-2.0
// `flows`: what the running daemon knows of each flow.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "command.hpp"
#include "identity_http.hpp"

namespace audio_latency {
namespace {

using nlohmann::json;

int complain(const std::string& sentence) {
  std::fprintf(stderr, "audio-latency: flows: %s\n", sentence.c_str());
  return kFailure;
}

std::string text(const json& flow, const char* key) {
  const auto found = flow.find(key);
  return found != flow.end() && found->is_string() ? found->get<std::string>() : "";
}
std::uint64_t number(const json& flow, const char* key) {
  const auto found = flow.find(key);
  return found != flow.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// The pod and the address, where there is a pod.
std::string end_of(const json& flow, const char* pod_key, const char* address_key) {
  const std::string pod = text(flow, pod_key);
  const std::string address = text(flow, address_key);
  return pod.empty() || pod == address ? address : pod + " (" + address + ")";
}

std::string table_of(const json& flows) {
  if (flows.empty()) return "No flow has been seen. 'audio-latency check' reports what is watched.\n";
  std::size_t source_width = 6;
  std::size_t dest_width = 4;
  std::size_t format_width = 6;
  for (const json& flow : flows) {
    source_width = std::max(source_width, end_of(flow, "source_pod", "source").size());
    dest_width = std::max(dest_width, end_of(flow, "dest_pod", "dest").size());
    format_width = std::max(format_width, text(flow, "format").size());
  }
  const auto row = [&](const std::string& source, const std::string& dest, const std::string& interface,
                       const std::string& verdict, const std::string& format, const std::string& codec,
                       const std::string& signatures, const std::string& links, const std::string& why) {
    return fmt::format("{:{}} {:{}} {:10} {:8} {:{}} {:10} {:>10} {:>5}  {}\n", source, source_width, dest, dest_width,
                       interface, verdict, format, format_width, codec, signatures, links, why);
  };
  std::string table = row("source", "dest", "interface", "verdict", "format", "codec", "signatures", "links", "why");
  for (const json& flow : flows) {
    const auto partners = flow.find("partners");
    const std::size_t links = partners != flow.end() && partners->is_array() ? partners->size() : 0;
    const std::uint64_t rate = number(flow, "rate_hz");
    table += row(end_of(flow, "source_pod", "source"), end_of(flow, "dest_pod", "dest"), text(flow, "interface"),
                 text(flow, "verdict"), text(flow, "format"),
                 text(flow, "codec") + (rate != 0 ? "/" + std::to_string(rate) : ""),
                 std::to_string(number(flow, "signatures")), std::to_string(links), text(flow, "why"));
  }
  return table;
}

}  // namespace

int command_flows(const Options& options, const FlowsArguments& arguments) {
  const std::string url =
      arguments.url.empty() ? "http://127.0.0.1:" + std::to_string(options.metrics_port) : arguments.url;
  auto client = ApiClient::create({url, "", ""});
  if (!client) return complain(client.error().message);
  const auto reply = (*client)->get("/api/v1/flows?limit=4096");
  if (!reply)
    return complain("No daemon answers at " + url + ": " + reply.error().message + " Give --url or --metrics-port.");
  if (reply->status != 200) return complain(url + " answered with status " + std::to_string(reply->status) + ".");
  if (arguments.json) {
    std::cout << reply->body;
    return kSuccess;
  }
  const json flows = json::parse(reply->body, nullptr, false);
  if (!flows.is_array()) return complain(url + " did not answer with a list of flows.");
  std::cout << table_of(flows);
  return kSuccess;
}

}  // namespace audio_latency
