// SPDX-License-Identifier: Apache-2.0
#include "cmd/upstream_spec.h"

#include "tests/cmd/config_test_support.h"
#include "upstream/hosts/host_answer.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "ENDPOINT NAME" of the one server that `text` means, or the error.
std::string Parsed(absl::string_view text) {
  const auto servers = ParseUpstreamText(text, ClearText::kRefused);
  if (!servers.ok()) return std::string(servers.status().message());
  EXPECT_EQ(servers->size(), 1u);
  return absl::StrCat(servers->at(0).endpoint.ToString(), " ",
                      servers->at(0).identity.authentication_name);
}

TEST(UpstreamSpecTest, TheNotationsOfOtherProgramsMeanTheSame) {
  for (absl::string_view text : {"tls://9.9.9.9#dns.quad9.net", "tls://9.9.9.9:853#dns.quad9.net",
                                 "9.9.9.9@853#dns.quad9.net", "9.9.9.9#dns.quad9.net",
                                 "tls://9.9.9.9%dns.quad9.net", "tls://9.9.9.9%dns.quad9.net:853",
                                 "9.9.9.9:853#dns.quad9.net", "tls://9.9.9.9#DNS.Quad9.net."}) {
    EXPECT_EQ(Parsed(text), "9.9.9.9:853 dns.quad9.net") << text;
  }
  for (absl::string_view text :
       {"tls://[2620:fe::fe]:853#dns.quad9.net", "tls://[2620:fe::fe]#dns.quad9.net",
        "2620:fe::fe@853#dns.quad9.net", "2620:fe::fe#dns.quad9.net",
        "tls://2620:fe::fe%dns.quad9.net", "[2620:fe::fe]:853#dns.quad9.net"}) {
    EXPECT_EQ(Parsed(text), "[2620:fe::fe]:853 dns.quad9.net") << text;
  }
}

TEST(UpstreamSpecTest, WithoutANameTheAddressIsChecked) {
  const auto servers = ParseUpstreamText("tls://192.0.2.1:8853", ClearText::kRefused);
  ASSERT_TRUE(servers.ok()) << servers.status();
  EXPECT_EQ(servers->at(0).identity.authentication_name, "");
  EXPECT_EQ(servers->at(0).identity.address, "192.0.2.1");
  EXPECT_FALSE(servers->at(0).identity.insecure);
  EXPECT_EQ(servers->at(0).endpoint.port(), 8853);
}

TEST(UpstreamSpecTest, APresetHasAllAddressesOfTheProvider) {
  const auto servers = ParseUpstreamText("quad9", ClearText::kRefused);
  ASSERT_TRUE(servers.ok());
  ASSERT_EQ(servers->size(), 4u);
  for (const UpstreamServerOptions& server : *servers) {
    EXPECT_EQ(server.provider, "quad9");
    EXPECT_EQ(server.identity.authentication_name, "dns.quad9.net");
    EXPECT_EQ(server.endpoint.port(), 853);
  }
}

TEST(UpstreamSpecTest, AnErrorSuggestsWhatToWrite) {
  EXPECT_THAT(Parsed("tls://9.9.9.9#"), HasSubstr("is empty; write an authentication name"));
  EXPECT_THAT(Parsed("tls://9.9.9.9#-bad-"), HasSubstr("\"-bad-\" is not an authentication name"));
  EXPECT_THAT(Parsed("tls://9.9.9.9#9.9.9.9"), HasSubstr("is an address, not a name"));
  EXPECT_THAT(Parsed("quad8"), HasSubstr("neither a preset (cloudflare, quad9"));
  EXPECT_THAT(Parsed("9.9.9.9"), HasSubstr("write tls://9.9.9.9#dns.quad9.net"));
  EXPECT_THAT(Parsed("https://dns.quad9.net/dns-query"),
              HasSubstr("has an unknown scheme; write tls://9.9.9.9#dns.quad9.net"));
  EXPECT_THAT(Parsed("tls://9.9.9"), HasSubstr("a server is written with its IP address"));
  EXPECT_THAT(Parsed("tls://dns.quad9.net:0"), HasSubstr("a whole number from 1 to 65535"));
  EXPECT_THAT(Parsed("tls://dns.quad9.net#"), HasSubstr("is empty"));
  EXPECT_THAT(Parsed("tls://dns-.quad9.net"), HasSubstr("is written with its IP address"));
  EXPECT_THAT(Parsed("dns.quad9.net"), HasSubstr("neither a preset"));
  EXPECT_THAT(Parsed("tls://0.0.0.0#dns.quad9.net"), HasSubstr("not an address to connect to"));
  EXPECT_THAT(Parsed("tls://9.9.9.9:99999#dns.quad9.net"), HasSubstr("99999"));
  EXPECT_THAT(Parsed("9.9.9.9@x#dns.quad9.net"), HasSubstr("a whole number from 1 to 65535"));
  EXPECT_THAT(Parsed(""), HasSubstr("neither a preset"));
}

TEST(UpstreamSpecTest, ALinkLocalAddressHasAnInterfaceThatMayComeLater) {
  for (absl::string_view text :
       {"tls://[fe80::1%nosuch0]:853#dns.example.net", "tls://fe80::1%nosuch0#dns.example.net",
        "[fe80::1%nosuch0]:853#dns.example.net", "fe80::1%nosuch0@853#dns.example.net"}) {
    const auto servers = ParseUpstreamText(text, ClearText::kRefused);
    ASSERT_TRUE(servers.ok()) << servers.status();
    ASSERT_EQ(servers->size(), 1u) << text;
    EXPECT_EQ(servers->at(0).Label(), "[fe80::1%nosuch0]:853");
    EXPECT_EQ(servers->at(0).identity.authentication_name, "dns.example.net");
    EXPECT_EQ(servers->at(0).identity.address, "fe80::1");
  }
  EXPECT_THAT(Parsed("tls://fe80::1%eth0"),
              HasSubstr("write tls://[fe80::1%eth0]:853#dns.example.net"));
  const auto unnamed = ParseUpstreamText("tls://[fe80::1%eth0.100]", ClearText::kRefused);
  ASSERT_TRUE(unnamed.ok()) << unnamed.status();
  EXPECT_EQ(unnamed->at(0).Label(), "[fe80::1%eth0.100]:853");
  for (absl::string_view text : {"tls://fe80::1#dns.example.net", "tls://[fe80::1]#dns.example.net",
                                 "fe80::1@853#dns.example.net", "tls://fe80::1"}) {
    EXPECT_THAT(Parsed(text), HasSubstr("\"fe80::1\" is a link-local address, which needs its "
                                        "interface; write e.g. [fe80::1%eth0]:853"));
  }
  EXPECT_THAT(Parsed("tls://2001:db8::1%eth0#dns.example.net"), HasSubstr("only link-local"));
}

TEST(UpstreamSpecTest, AHostNameHasEightSlots) {
  const auto servers = ParseUpstreamText("tls://DNS.quad9.net", ClearText::kRefused);
  ASSERT_TRUE(servers.ok()) << servers.status();
  ASSERT_EQ(servers->size(), kMaxHostAddresses);
  for (size_t i = 0; i < servers->size(); ++i) {
    const UpstreamServerOptions& server = servers->at(i);
    EXPECT_EQ(server.host, "dns.quad9.net");
    EXPECT_EQ(server.provider, "dns.quad9.net");
    EXPECT_EQ(server.identity.authentication_name, "dns.quad9.net");
    EXPECT_EQ(server.slot, static_cast<int>(i));
    EXPECT_EQ(server.endpoint.port(), 0);
    EXPECT_FALSE(server.has_address());
    EXPECT_EQ(server.Label(), absl::StrCat("dns.quad9.net/", i));
  }
  const auto other = ParseUpstreamText("tls://dns.quad9.net:8853#quad9.net", ClearText::kRefused);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_EQ(other->at(0).host, "dns.quad9.net");
  EXPECT_EQ(other->at(0).identity.authentication_name, "quad9.net");
  EXPECT_EQ(other->at(0).endpoint.port(), 8853);
}

TEST(UpstreamSpecTest, ProvidersCannotUseClearText) {
  const auto clear = ParseUpstreamText("udp://10.96.0.10", ClearText::kAllowed);
  ASSERT_TRUE(clear.ok()) << clear.status();
  ASSERT_EQ(clear->size(), 1u);
  EXPECT_EQ(clear->at(0).transport, Transport::kUdp);
  EXPECT_EQ(clear->at(0).endpoint.ToString(), "10.96.0.10:53");
  EXPECT_EQ(clear->at(0).provider, "10.96.0.10:53");
  const auto tcp = ParseUpstreamText("tcp://[fd00::10]:5353", ClearText::kAllowed);
  ASSERT_TRUE(tcp.ok()) << tcp.status();
  EXPECT_EQ(tcp->at(0).transport, Transport::kTcp);
  EXPECT_EQ(tcp->at(0).endpoint.ToString(), "[fd00::10]:5353");
  for (absl::string_view text : {"udp://10.96.0.10", "tcp://9.9.9.9:53"}) {
    EXPECT_THAT(Parsed(text),
                HasSubstr("is clear text, which only `zones` and `bootstrap` may use; "
                          "providers need DNS over TLS"));
  }
  EXPECT_THAT(
      ParseUpstreamText("udp://10.0.0.1#dns.corp.example", ClearText::kAllowed).status().message(),
      HasSubstr("an authentication name, but clear text has no authentication"));
  EXPECT_THAT(ParseUpstreamText("udp://dns.corp", ClearText::kAllowed).status().message(),
              HasSubstr("a server is written with its IP address"));
}

TEST(UpstreamSpecTest, AMapMayHaveMoreKeys) {
  const LoadedConfig loaded = LoadYaml(
      "upstream:\n"
      "  - addresses: [192.0.2.1, \"192.0.2.2:8853\"]\n"
      "    name: dns.example.net\n"
      "    ca: /etc/ca.pem\n"
      "    cert: /etc/own.pem\n"
      "    key: /etc/own.key\n"
      "    pins-file: /etc/pins\n"
      "    pins: [\"sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"]\n"
      "  - {preset: quad9, insecure: on, weight: 5, metered: true, legacy-crypto: on, "
      "max-connections: 2}\n");
  ASSERT_THAT(ErrorTexts(loaded), IsEmpty());
  const auto& servers = loaded.config.server.upstream.zones[0].servers;
  ASSERT_EQ(servers.size(), 6u);
  EXPECT_EQ(servers[1].endpoint.ToString(), "192.0.2.2:8853");
  EXPECT_EQ(servers[1].identity.authentication_name, "dns.example.net");
  EXPECT_EQ(servers[1].ca_file, "/etc/ca.pem");
  EXPECT_EQ(servers[1].certificate_file, "/etc/own.pem");
  EXPECT_EQ(servers[1].key_file, "/etc/own.key");
  EXPECT_EQ(servers[1].pins_file, "/etc/pins");
  EXPECT_EQ(servers[1].identity.pins.size(), 1u);
  EXPECT_EQ(servers[1].provider, "dns.example.net");
  EXPECT_FALSE(servers[1].identity.insecure);
  EXPECT_TRUE(servers[2].identity.insecure);
  EXPECT_FALSE(servers[1].identity.legacy_crypto);
  EXPECT_TRUE(servers[2].identity.legacy_crypto);
  EXPECT_EQ(servers[1].weight, 1);
  EXPECT_EQ(servers[2].weight, 5);
  EXPECT_EQ(servers[1].max_connections, 0);
  EXPECT_EQ(servers[2].max_connections, 2);
  EXPECT_FALSE(servers[1].metered);
  EXPECT_TRUE(servers[2].metered);
  EXPECT_EQ(servers[2].provider, "quad9");
}

TEST(UpstreamSpecTest, AnErrorInAMapNamesKeyAndLine) {
  EXPECT_THAT(ErrorTexts(LoadYaml("upstream:\n"
                                  "  - addresses: [192.0.2.1]\n"
                                  "    nam: dns.example.net\n")),
              ElementsAre("FILE:3: nam: unknown key; did you mean `name`?"));
  EXPECT_THAT(ErrorTexts(LoadYaml("upstream:\n  - addresses: [192.0.2.1]\n    name: \"\"\n")),
              ElementsAre(HasSubstr("FILE:3: name: is empty")));
  ExpectErrors(R"(
    upstream: [{name: dns.example.net}] => FILE:1: upstream: needs one of `preset`, `host` and
    upstream: [{addresses: 192.0.2.1, pins: short}] => FILE:1: pins:
    upstream: [{preset: quad9, addresses: 192.0.2.1}] => needs one of
    upstream: [{preset: quad9, name: dns.example.net}] => a preset has its own
    upstream: [[quad9]] => not a list in a list
  )");
}

// An unset template variable leaves an empty value. It must not weaken authentication.
TEST(UpstreamSpecTest, EmptyAuthenticationIsAnError) {
  for (const std::string key : {"ca", "name", "pins", "pins-file"}) {
    for (const std::string value : {"\"\"", ""}) {
      EXPECT_THAT(ErrorTexts(LoadYaml("upstream:\n  - addresses: 192.0.2.1\n    " + key + ": " +
                                      value + "\n")),
                  ElementsAre(HasSubstr("FILE:3: " + key + ": ")))
          << value;
    }
  }
  ExpectErrors(R"(
    upstream: [{addresses: 192.0.2.1, pins: []}] => pins: is an empty list
    upstream: [{addresses: 192.0.2.1, ca: [/a, /b]}] => ca: must be one value
  )");
}

TEST(UpstreamSpecTest, ACertificateNeedsItsKeyAndAKeyItsCertificate) {
  ExpectErrors(R"(
    upstream: [{addresses: 192.0.2.1, cert: /a.pem}] => FILE:1: cert: needs `key` beside it
    upstream: [{preset: quad9, key: /a.key}] => FILE:1: key: needs `cert` beside it
  )");
}

TEST(UpstreamSpecTest, InsecureContradictsPins) {
  ExpectErrors(R"(
    upstream: [{addresses: 192.0.2.1, insecure: true, pins-file: /a}] => contradicts `pins-file`
  )");
  EXPECT_THAT(ErrorTexts(LoadYaml("upstream: [{addresses: 192.0.2.1, insecure: true, pins: "
                                  "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=}]\n")),
              ElementsAre(HasSubstr("insecure: contradicts `pins`")));
}

TEST(UpstreamSpecTest, AddressesInAMapAreChecked) {
  for (const std::string address : {"0.0.0.0:853", "\"[::]:853\"", "192.0.2.1:0"}) {
    EXPECT_THAT(ErrorTexts(LoadYaml("upstream: [{addresses: [" + address + "]}]\n")),
                ElementsAre(HasSubstr("not an address to connect to")))
        << address;
  }
}

}  // namespace
}  // namespace dotcache
