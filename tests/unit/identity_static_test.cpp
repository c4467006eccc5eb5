// SPDX-License-Identifier: Apache-2.0
#include "identity_static.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity_label.hpp"

namespace audio_latency {
namespace {

using ::testing::HasSubstr;

Observation observed(const char* source, const char* destination) {
  Observation seen;
  seen.flow = {*SocketAddress::parse(source), *SocketAddress::parse(destination), 17};
  return seen;
}

class Names {
 public:
  explicit Names(const std::string& text) : resolver_(parse_names(text, "names.yaml").value()) {}
  std::string label(const char* address) {
    const auto placed = resolver_.place(observed(address, "9.9.9.9:9"));
    const auto label = label_of(placed.sender, placed.observation.flow.source, resolver_);
    return label.namespace_name + "/" + label.pod;
  }
  StaticResolver& resolver() { return resolver_; }

 private:
  StaticResolver resolver_;
};

TEST(StaticNames, MostSpecificEntryWins) {
  Names names(
      "names:\n"
      "  10.0.0.1: relay\n"
      "  \"10.0.0.1:5004\": media/relay-rtp\n"
      "  10.0.0.0/8: ten\n"
      "  10.1.0.0/16: media/ten-one\n"
      "  \"2001:db8::/32\": six\n"
      "  \"[2001:db8::1]:5004\": six-rtp\n");
  EXPECT_EQ(names.label("10.0.0.1:5004"), "media/relay-rtp");
  EXPECT_EQ(names.label("10.0.0.1:5005"), "-/relay");
  EXPECT_EQ(names.label("10.0.0.2:5004"), "-/ten");
  EXPECT_EQ(names.label("10.1.2.3:1"), "media/ten-one");
  EXPECT_EQ(names.label("11.0.0.1:1"), "-/11.0.0.1:1");
  EXPECT_EQ(names.label("[2001:db8::2]:1"), "-/six");
  EXPECT_EQ(names.label("[2001:db8::1]:5004"), "-/six-rtp");
  EXPECT_EQ(names.label("[2001:db9::1]:5004"), "-/[2001:db9::1]:5004");
}

TEST(StaticNames, ComponentIsTheNameElseTheAddress) {
  Names names("names: {\"10.0.0.1:1\": relay, \"10.0.0.2:2\": relay, 10.0.0.3: other/relay}\n");
  auto& resolver = names.resolver();
  const auto one = resolver.place(observed("10.0.0.1:1", "10.0.0.2:2"));
  EXPECT_EQ(one.sender, one.receiver);  // two addresses of one name
  EXPECT_NE(one.sender.component, 0U);
  const auto two = resolver.place(observed("10.0.0.3:1", "10.0.0.1:7"));
  EXPECT_NE(two.sender.component, one.sender.component);  // same name in another namespace
  const auto bare = resolver.place(observed("10.0.0.1:7", "10.0.0.1:8"));
  EXPECT_EQ(bare.sender.endpoint, 0U);
  EXPECT_EQ(bare.sender.component, bare.receiver.component);  // one address, two ports
  EXPECT_NE(bare.sender.component, resolver.place(observed("10.0.0.9:7", "10.0.0.1:8")).sender.component);
  const auto loopback = resolver.place(observed("127.0.0.1:7", "[::1]:8"));
  EXPECT_EQ(loopback.sender.component, 0U);
  EXPECT_EQ(loopback.receiver.component, 0U);
}

TEST(StaticNames, LoopbackCanBeNamed) {
  Names names("names: {\"127.0.0.1:5004\": relay}\n");
  EXPECT_EQ(names.label("127.0.0.1:5004"), "-/relay");
  EXPECT_NE(names.resolver().place(observed("127.0.0.1:5004", "127.0.0.1:1")).sender.component, 0U);
}

TEST(StaticNames, ReplacingKeepsTheIdsOfNames) {
  Names names("names: {10.0.0.1: a, 10.0.0.2: b}\n");
  auto& resolver = names.resolver();
  const auto before = resolver.place(observed("10.0.0.1:1", "10.0.0.2:2"));
  resolver.replace(parse_names("names: {10.0.0.2: a, 10.0.0.1: c}\n", "n").value());
  const auto after = resolver.place(observed("10.0.0.1:1", "10.0.0.2:2"));
  EXPECT_EQ(after.receiver, before.sender);
  EXPECT_EQ(resolver.endpoint(after.sender.endpoint)->name, "c");
  EXPECT_EQ(resolver.endpoint(before.receiver.endpoint)->name, "b");  // late matches still know it
}

TEST(StaticNames, UnknownIdsHaveNoEndpoint) {
  StaticResolver resolver;
  EXPECT_EQ(resolver.endpoint(0), nullptr);
  EXPECT_EQ(resolver.endpoint(1), nullptr);
}

TEST(StaticNames, RefusesWhatIsNoNamesFile) {
  for (const char* text :
       {"names: {10.0.0: a}", "names: {10.0.0.1: a/b/c}", "names: {10.0.0.1: \"\"}", "names: {10.0.0.0/33: a}",
        "names: {\"10.0.0.1:0\": a}", "names: [a]", "[a]", "other: {}", "names: {}\nmore: 1", "names: {10.0.0.1: [a]}",
        "names: {10.0.0.1: a, 10.0.0.1: b}", "names: {10.0.0.1: \"a b\"}", "names: {", "names: {10.0.0.1: /a}"}) {
    const auto names = parse_names(text, "names.yaml");
    ASSERT_FALSE(names.ok()) << text;
    EXPECT_THAT(names.error().message, HasSubstr("names.yaml")) << text;
  }
  EXPECT_TRUE(parse_names("", "n").ok());
  EXPECT_TRUE(parse_names("names:\n", "n").ok());
  EXPECT_THAT(read_names_file("/nonexistent/names").error().message, HasSubstr("No such file"));
  EXPECT_TRUE(read_names_file("").ok());
}

}  // namespace
}  // namespace audio_latency
