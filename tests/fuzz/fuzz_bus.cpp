// SPDX-License-Identifier: Apache-2.0
// What a hostile peer may send: whatever is taken is within the limits, and encodes to the same again. An input that
// begins with kMade, as no message does, is not the message itself: a valid one is made of it and then spoilt, so that
// what lies behind the first checks is reached.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "bus_message.hpp"

namespace {

using namespace audio_latency;  // NOLINT(google-build-using-namespace)

constexpr std::uint8_t kMade = 0xff;

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool empty() const { return at_ >= size_; }
  template <class Number>
  Number next() {
    Number number{};
    const std::size_t bytes = std::min(sizeof number, size_ - std::min(at_, size_));
    if (bytes > 0) std::memcpy(&number, data_ + at_, bytes);
    at_ += sizeof number;
    return number;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

std::string spoilt_message(Input input) {
  BusBatch batch;
  batch.sent_ns = input.next<std::int64_t>();
  batch.token = input.next<std::uint64_t>();
  batch.echoed_token = input.next<std::uint64_t>();
  batch.first = input.next<std::uint64_t>();
  batch.node.assign(input.next<std::uint8_t>(), 'n');
  const auto place = input.next<std::uint16_t>();
  const auto with = input.next<std::uint8_t>();
  while (!input.empty()) {
    const auto kind = input.next<std::uint8_t>();
    if (kind % 8 == 0) {
      batch.endpoints.push_back(
          {input.next<std::uint32_t>() % kBusHighestNumber + 1, true, {EndpointKind::pod, "a", "b", "c", "d", "e"}});
    } else if (kind % 8 == 1) {
      BusFlow flow;
      flow.number = input.next<std::uint32_t>() % kBusHighestNumber + 1;
      flow.view.kind = static_cast<std::uint8_t>(AL_IDENTITY_TCP + kind / 8 % 3);
      flow.view.key.source.ip = IpAddress::from_ipv4(input.next<std::uint32_t>());
      batch.flows.push_back(flow);
    } else if (kind % 8 == 2) {
      batch.behind.push_back(input.next<std::uint32_t>() % kBusHighestNumber + 1);
    } else {
      BusRecord record;
      record.time_ns = input.next<std::int64_t>();
      record.signature = input.next<std::uint64_t>();
      record.flow = input.next<std::uint32_t>() % kBusHighestNumber + 1;
      record.packet = input.next<std::uint32_t>();
      record.ip_id = input.next<std::uint16_t>();
      record.domain = static_cast<Domain>(1 + kind / 8 % 4);
      record.ttl = kind;
      batch.records.push_back(record);
    }
  }
  std::string bytes = encode({1, std::move(batch)});
  bytes[place % bytes.size()] = static_cast<char>(bytes[place % bytes.size()] ^ with);
  return bytes;
}

void check(std::string_view bytes) {
  BusMessage message;
  if (decode(bytes, message) != BusRefusal::none) return;
  BusMessage again;
  if (decode(encode(message), again) != BusRefusal::none || again.sender != message.sender) std::abort();
  if (const auto* batch = std::get_if<BusBatch>(&message.content)) {
    const auto& same = std::get<BusBatch>(again.content);
    if (batch->records.size() > kBusMostRecords || batch->records != same.records) std::abort();
    if (batch->flows.size() > kBusMostDefinitions || batch->flows.size() != same.flows.size()) std::abort();
    if (batch->endpoints.size() > kBusMostDefinitions) std::abort();
    if (batch->behind.size() > kBusMostDefinitions || batch->behind != same.behind) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0 && data[0] == kMade) {
    check(spoilt_message(Input(data + 1, size - 1)));
  } else {
    check({reinterpret_cast<const char*>(data), size});
  }
  return 0;
}
