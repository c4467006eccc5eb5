// SPDX-License-Identifier: Apache-2.0
#include "bus_message.hpp"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <limits>

#include "bus_message.pb.h"

namespace audio_latency {
namespace {

// Layout of Batch.bits, from the lowest bit.
constexpr unsigned kLearnedBit = 3;  // below: domain
constexpr unsigned kTtlBit = 4;      // 8 bits

std::uint32_t bits_of(const BusRecord& record) {
  return static_cast<std::uint32_t>(record.domain) | std::uint32_t{record.learned} << kLearnedBit |
         std::uint32_t{record.ttl} << kTtlBit;
}

bool take_bits(std::uint32_t bits, BusRecord& record) {
  const std::uint32_t domain = bits & 7;
  if (domain < AL_DOMAIN_VERBATIM || domain > AL_DOMAIN_PAYLOAD || bits >> (kTtlBit + 8) != 0) return false;
  record.domain = static_cast<Domain>(domain);
  record.learned = (bits >> kLearnedBit & 1) != 0;
  record.ttl = static_cast<std::uint8_t>(bits >> kTtlBit);
  return true;
}

std::string bytes_of(const IpAddress& ip) {
  const auto* first = reinterpret_cast<const char*>(ip.bytes.data());
  return ip.is_ipv4() ? std::string(first + 12, 4) : std::string(first, 16);
}

bool take_address(const std::string& bytes, std::uint32_t port, SocketAddress& address) {
  if (port > 65535 || (bytes.size() != 4 && bytes.size() != 16)) return false;
  if (bytes.size() == 4) address.ip = IpAddress::from_ipv4(0);
  std::copy(bytes.begin(), bytes.end(), address.ip.bytes.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  address.port = static_cast<std::uint16_t>(port);
  return true;
}

void put(const BusEndpoint& from, bus::Endpoint& to) {
  to.set_number(from.number);
  to.set_kind(static_cast<std::uint32_t>(from.endpoint.kind));
  to.set_name(from.endpoint.name);
  to.set_namespace_name(from.endpoint.namespace_name);
  to.set_workload(from.endpoint.workload);
  to.set_node(from.endpoint.node);
  to.set_uid(from.endpoint.uid);
  to.set_local(from.local);
}

bool take(const bus::Endpoint& from, BusEndpoint& to) {
  const auto fits = [](const std::string& text) { return text.size() <= kBusLongestName; };
  const bool sane = from.number() > 0 && from.number() <= kBusHighestNumber &&
                    from.kind() <= static_cast<std::uint32_t>(EndpointKind::static_name) && !from.name().empty() &&
                    fits(from.name()) && fits(from.namespace_name()) && fits(from.workload()) && fits(from.node()) &&
                    fits(from.uid());
  if (!sane) return false;
  to.number = from.number();
  to.local = from.local();
  to.endpoint = {static_cast<EndpointKind>(from.kind()),
                 from.name(),
                 from.namespace_name(),
                 from.workload(),
                 from.node(),
                 from.uid()};
  return true;
}

void put(const BusFlow& from, bus::Flow& to) {
  to.set_number(from.number);
  to.set_source(bytes_of(from.view.key.source.ip));
  to.set_destination(bytes_of(from.view.key.destination.ip));
  to.set_source_port(from.view.key.source.port);
  to.set_destination_port(from.view.key.destination.port);
  to.set_protocol(from.view.key.protocol);
  to.set_sender(from.sender);
  to.set_receiver(from.receiver);
  to.set_interface(from.view.interface);
  to.set_egress(from.view.direction == AL_EGRESS);
  to.set_tunnelled(from.view.tunnelled);
  to.set_kind(from.view.kind);
}

bool take(const bus::Flow& from, BusFlow& to) {
  BusView& view = to.view;
  to.number = from.number();
  view.key.protocol = static_cast<std::uint8_t>(from.protocol());
  view.interface = from.interface();
  view.direction = from.egress() ? AL_EGRESS : AL_INGRESS;
  view.tunnelled = from.tunnelled();
  view.kind = static_cast<std::uint8_t>(from.kind());
  to.sender = from.sender();
  to.receiver = from.receiver();
  return to.number > 0 && to.number <= kBusHighestNumber && from.protocol() <= 255 && to.sender <= kBusHighestNumber &&
         to.receiver <= kBusHighestNumber && from.kind() >= AL_IDENTITY_TCP && from.kind() <= AL_IDENTITY_UDP &&
         take_address(from.source(), from.source_port(), view.key.source) &&
         take_address(from.destination(), from.destination_port(), view.key.destination);
}

void put(const std::vector<BusRecord>& records, std::int64_t sent_ns, bus::Batch& to) {
  const int count = static_cast<int>(records.size());
  to.mutable_signature()->Reserve(count);
  to.mutable_time_delta()->Reserve(count);
  to.mutable_packet()->Reserve(count);
  for (auto* column : {to.mutable_flow(), to.mutable_bits(), to.mutable_ip_id()}) column->Reserve(count);
  auto before = static_cast<std::uint64_t>(sent_ns);
  for (const BusRecord& record : records) {
    const auto time = static_cast<std::uint64_t>(record.time_ns);
    to.add_signature(record.signature);
    to.add_time_delta(static_cast<std::int64_t>(time - before));
    before = time;
    to.add_flow(record.flow);
    to.add_bits(bits_of(record));
    to.add_packet(record.packet);
    to.add_ip_id(record.ip_id);
  }
}

bool equal_columns(const bus::Batch& from) {
  const int count = from.signature_size();
  return from.time_delta_size() == count && from.flow_size() == count && from.bits_size() == count &&
         from.packet_size() == count && from.ip_id_size() == count;
}

bool take(const bus::Batch& from, std::vector<BusRecord>& records) {
  if (from.signature_size() > static_cast<int>(kBusMostRecords) || !equal_columns(from)) return false;
  records.resize(static_cast<std::size_t>(from.signature_size()));
  // Unsigned: whatever a hostile sender adds up wraps around and is refused by its time.
  auto time = static_cast<std::uint64_t>(from.sent_ns());
  for (int i = 0; i < from.signature_size(); ++i) {
    BusRecord& record = records[static_cast<std::size_t>(i)];
    if (!take_bits(from.bits(i), record) || from.ip_id(i) > std::numeric_limits<std::uint16_t>::max() ||
        from.flow(i) == 0 || from.flow(i) > kBusHighestNumber) {
      return false;
    }
    time += static_cast<std::uint64_t>(from.time_delta(i));
    record.time_ns = static_cast<std::int64_t>(time);
    record.signature = from.signature(i);
    record.flow = from.flow(i);
    record.packet = from.packet(i);
    record.ip_id = static_cast<std::uint16_t>(from.ip_id(i));
  }
  return true;
}

template <class From, class To>
bool take_each(const From& from, std::vector<To>& to) {
  if (from.size() > static_cast<int>(kBusMostDefinitions)) return false;
  to.resize(static_cast<std::size_t>(from.size()));
  for (int i = 0; i < from.size(); ++i) {
    if (!take(from.Get(i), to[static_cast<std::size_t>(i)])) return false;
  }
  return true;
}

bool take_numbers(const google::protobuf::RepeatedField<std::uint32_t>& from, std::vector<std::uint32_t>& to) {
  if (from.size() > static_cast<int>(kBusMostDefinitions)) return false;
  to.assign(from.begin(), from.end());
  return std::all_of(to.begin(), to.end(), [](std::uint32_t each) { return each > 0 && each <= kBusHighestNumber; });
}

bool take(const bus::Batch& from, BusBatch& to) {
  to.node = from.node();
  to.stream = from.stream();
  to.first = from.first();
  to.sent_ns = from.sent_ns();
  to.token = from.token();
  to.echoed_token = from.echoed_token();
  to.echoed_received_ns = from.echoed_received_ns();
  to.clock_uncertainty_ns = from.clock_uncertainty_ns();
  to.clock_set = from.clock_set();
  to.hurry = from.hurry();
  to.define_again = from.define_again();
  return to.node.size() <= kBusLongestName && take_each(from.endpoints(), to.endpoints) &&
         take_each(from.flows(), to.flows) && take_numbers(from.behind(), to.behind) && take(from, to.records);
}

void put(const BusBatch& from, bus::Batch& to) {
  to.set_node(from.node);
  to.set_stream(from.stream);
  to.set_first(from.first);
  to.set_sent_ns(from.sent_ns);
  to.set_token(from.token);
  to.set_echoed_token(from.echoed_token);
  to.set_echoed_received_ns(from.echoed_received_ns);
  to.set_clock_uncertainty_ns(from.clock_uncertainty_ns);
  to.set_clock_set(from.clock_set);
  to.set_hurry(from.hurry);
  to.set_define_again(from.define_again);
  for (const BusEndpoint& endpoint : from.endpoints) put(endpoint, *to.add_endpoints());
  for (const BusFlow& flow : from.flows) put(flow, *to.add_flows());
  for (const std::uint32_t number : from.behind) to.add_behind(number);
  put(from.records, from.sent_ns, to);
}

}  // namespace

const char* to_string(BusRefusal reason) {
  constexpr const char* names[] = {"none", "version", "malformed"};
  return reason < BusRefusal::count ? names[static_cast<std::size_t>(reason)] : "unknown";
}

std::string encode(const BusMessage& message) {
  bus::Message wire;
  wire.set_version(kBusVersion);
  wire.set_sender(message.sender);
  if (const auto* heartbeat = std::get_if<BusHeartbeat>(&message.content)) {
    bus::Heartbeat& to = *wire.mutable_heartbeat();
    to.set_node(heartbeat->node);
    to.set_leaving(heartbeat->leaving);
    to.set_load(heartbeat->load);
    to.set_owners(heartbeat->owners);
  } else {
    put(std::get<BusBatch>(message.content), *wire.mutable_batch());
  }
  return wire.SerializeAsString();
}

BusRefusal decode(std::string_view bytes, BusMessage& message) {
  // The library writes a line to standard error for each string that is no UTF-8: not at a peer's will.
  [[maybe_unused]] static auto* const logs = google::protobuf::SetLogHandler(nullptr);
  bus::Message wire;
  const bool parsed = bytes.size() <= std::numeric_limits<int>::max() &&
                      wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (wire.version() != kBusVersion && wire.version() != 0) return BusRefusal::version;
  if (!parsed || wire.version() == 0 || wire.sender() == 0) return BusRefusal::malformed;
  message.sender = wire.sender();
  if (wire.has_heartbeat()) {
    const bus::Heartbeat& from = wire.heartbeat();
    if (from.node().size() > kBusLongestName) return BusRefusal::malformed;
    message.content = BusHeartbeat{from.node(), from.leaving(), from.load(), from.owners()};
    return BusRefusal::none;
  }
  if (!wire.has_batch()) return BusRefusal::malformed;
  BusBatch batch;
  if (!take(wire.batch(), batch)) return BusRefusal::malformed;
  message.content = std::move(batch);
  return BusRefusal::none;
}

}  // namespace audio_latency
