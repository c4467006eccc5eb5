// SPDX-License-Identifier: Apache-2.0
#include "bus_message.hpp"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <limits>

#include "bus_message.pb.h"

namespace audio_latency {
namespace {

// Layout of Batch.bits, from the lowest bit.
constexpr unsigned kDirectionBit = 3;  // below: domain
constexpr unsigned kKindBit = 4;       // 2 bits
constexpr unsigned kTunnelledBit = 6;
constexpr unsigned kLearnedBit = 7;
constexpr unsigned kTtlBit = 8;     // 8 bits
constexpr unsigned kZerosBit = 16;  // 5 bits

std::uint32_t bits_of(const BusRecord& record) {
  const auto bit = [](bool set, unsigned at) { return std::uint32_t{set} << at; };
  return static_cast<std::uint32_t>(record.domain) | bit(record.direction == AL_EGRESS, kDirectionBit) |
         std::uint32_t{record.packet.kind} << kKindBit | bit(record.tunnelled, kTunnelledBit) |
         bit(record.learned, kLearnedBit) | std::uint32_t{record.ttl} << kTtlBit |
         std::uint32_t{record.leading_zeros & 31U} << kZerosBit;
}

bool take_bits(std::uint32_t bits, BusRecord& record) {
  const std::uint32_t domain = bits & 7;
  const std::uint32_t kind = bits >> kKindBit & 3;
  if (domain < AL_DOMAIN_VERBATIM || domain > AL_DOMAIN_PAYLOAD || kind < AL_IDENTITY_TCP) return false;
  record.domain = static_cast<Domain>(domain);
  record.packet.kind = static_cast<std::uint8_t>(kind);
  record.direction = (bits >> kDirectionBit & 1) != 0 ? AL_EGRESS : AL_INGRESS;
  record.tunnelled = (bits >> kTunnelledBit & 1) != 0;
  record.learned = (bits >> kLearnedBit & 1) != 0;
  record.ttl = static_cast<std::uint8_t>(bits >> kTtlBit);
  record.leading_zeros = static_cast<std::uint8_t>(bits >> kZerosBit & 31);
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
  to.set_source(bytes_of(from.key.source.ip));
  to.set_destination(bytes_of(from.key.destination.ip));
  to.set_source_port(from.key.source.port);
  to.set_destination_port(from.key.destination.port);
  to.set_protocol(from.key.protocol);
  to.set_sender(from.sender);
  to.set_receiver(from.receiver);
}

bool take(const bus::Flow& from, BusFlow& to) {
  to.number = from.number();
  to.key.protocol = static_cast<std::uint8_t>(from.protocol());
  to.sender = from.sender();
  to.receiver = from.receiver();
  return to.number > 0 && to.number <= kBusHighestNumber && from.protocol() <= 255 && to.sender <= kBusHighestNumber &&
         to.receiver <= kBusHighestNumber && take_address(from.source(), from.source_port(), to.key.source) &&
         take_address(from.destination(), from.destination_port(), to.key.destination);
}

void put(const std::vector<BusRecord>& records, bus::Batch& to) {
  const int count = static_cast<int>(records.size());
  for (auto* column : {to.mutable_flow(), to.mutable_bits(), to.mutable_interface(), to.mutable_rtp_timestamp(),
                       to.mutable_rtp_sequence(), to.mutable_payload_length(), to.mutable_offset(), to.mutable_ip_id(),
                       to.mutable_stream_id()}) {
    column->Reserve(count);
  }
  to.mutable_signature()->Reserve(count);
  to.mutable_time_delta()->Reserve(count);
  std::int64_t before = records.empty() ? 0 : records.front().time_ns;
  to.set_base_ns(before);
  for (const BusRecord& record : records) {
    to.add_signature(record.signature);
    to.add_time_delta(record.time_ns - before);
    before = record.time_ns;
    to.add_flow(record.flow);
    to.add_bits(bits_of(record));
    to.add_interface(record.interface);
    to.add_stream_id(record.packet.stream_id);
    to.add_rtp_timestamp(record.packet.rtp_timestamp);
    to.add_rtp_sequence(record.packet.rtp_sequence);
    to.add_payload_length(record.packet.payload_length);
    to.add_offset(record.packet.offset);
    to.add_ip_id(record.packet.ip_id_or_label);
  }
}

bool equal_columns(const bus::Batch& from) {
  const int count = from.signature_size();
  return from.time_delta_size() == count && from.flow_size() == count && from.bits_size() == count &&
         from.interface_size() == count && from.stream_id_size() == count && from.rtp_timestamp_size() == count &&
         from.rtp_sequence_size() == count && from.payload_length_size() == count && from.offset_size() == count &&
         from.ip_id_size() == count;
}

bool take(const bus::Batch& from, std::vector<BusRecord>& records) {
  if (from.signature_size() > static_cast<int>(kBusMostRecords) || !equal_columns(from)) return false;
  records.resize(static_cast<std::size_t>(from.signature_size()));
  // Unsigned: whatever a hostile sender adds up wraps around and is refused by its time.
  auto time = static_cast<std::uint64_t>(from.base_ns());
  for (int i = 0; i < from.signature_size(); ++i) {
    BusRecord& record = records[static_cast<std::size_t>(i)];
    if (!take_bits(from.bits(i), record) || from.rtp_sequence(i) > std::numeric_limits<std::uint16_t>::max() ||
        from.flow(i) == 0 || from.flow(i) > kBusHighestNumber) {
      return false;
    }
    time += static_cast<std::uint64_t>(from.time_delta(i));
    record.time_ns = static_cast<std::int64_t>(time);
    record.signature = from.signature(i);
    record.flow = from.flow(i);
    record.interface = from.interface(i);
    record.packet.stream_id = from.stream_id(i);
    record.packet.rtp_timestamp = from.rtp_timestamp(i);
    record.packet.rtp_sequence = static_cast<std::uint16_t>(from.rtp_sequence(i));
    record.packet.payload_length = from.payload_length(i);
    record.packet.offset = from.offset(i);
    record.packet.ip_id_or_label = from.ip_id(i);
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

bool take(const bus::Batch& from, BusBatch& to) {
  to.node = from.node();
  to.stream = from.stream();
  to.first = from.first();
  to.sent_ns = from.sent_ns();
  to.echoed_sent_ns = from.echoed_sent_ns();
  to.echoed_received_ns = from.echoed_received_ns();
  to.clock_uncertainty_ns = from.clock_uncertainty_ns();
  to.define_again = from.define_again();
  return to.node.size() <= kBusLongestName && take_each(from.endpoints(), to.endpoints) &&
         take_each(from.flows(), to.flows) && take(from, to.records);
}

void put(const BusBatch& from, bus::Batch& to) {
  to.set_node(from.node);
  to.set_stream(from.stream);
  to.set_first(from.first);
  to.set_sent_ns(from.sent_ns);
  to.set_echoed_sent_ns(from.echoed_sent_ns);
  to.set_echoed_received_ns(from.echoed_received_ns);
  to.set_clock_uncertainty_ns(from.clock_uncertainty_ns);
  to.set_define_again(from.define_again);
  for (const BusEndpoint& endpoint : from.endpoints) put(endpoint, *to.add_endpoints());
  for (const BusFlow& flow : from.flows) put(flow, *to.add_flows());
  put(from.records, to);
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
    wire.mutable_heartbeat()->set_node(heartbeat->node);
    wire.mutable_heartbeat()->set_leaving(heartbeat->leaving);
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
  if (wire.version() > kBusVersion) return BusRefusal::version;
  if (!parsed || wire.version() != kBusVersion || wire.sender() == 0) return BusRefusal::malformed;
  message.sender = wire.sender();
  if (wire.has_heartbeat()) {
    if (wire.heartbeat().node().size() > kBusLongestName) return BusRefusal::malformed;
    message.content = BusHeartbeat{wire.heartbeat().node(), wire.heartbeat().leaving()};
    return BusRefusal::none;
  }
  if (!wire.has_batch()) return BusRefusal::malformed;
  BusBatch batch;
  if (!take(wire.batch(), batch)) return BusRefusal::malformed;
  message.content = std::move(batch);
  return BusRefusal::none;
}

}  // namespace audio_latency
