// SPDX-License-Identifier: Apache-2.0
#include "cmd/config.h"

#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(ConfigTest, AnEmptyFileGivesTheDefaults) {
  const LoadedConfig loaded = LoadYaml("");
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  const ServerOptions& server = loaded.config.server;
  ASSERT_THAT(server.listen, SizeIs(4));
  EXPECT_EQ(server.listen[0].endpoint.ToString(), "127.0.0.1:53");
  EXPECT_FALSE(server.listen[0].optional);
  EXPECT_EQ(server.listen[2].endpoint.ToString(), "[::1]:53");
  EXPECT_TRUE(server.listen[2].optional);
  ASSERT_THAT(server.upstream.zones, SizeIs(1));
  EXPECT_THAT(server.upstream.zones[0].servers, SizeIs(12));
  EXPECT_EQ(server.upstream.zones[0].policy, SelectionPolicy::kBalanced);
  EXPECT_EQ(server.cache.budget_bytes, size_t{64} << 20);
  EXPECT_TRUE(server.local_zones);
  EXPECT_GE(server.workers, 1);
  EXPECT_EQ(loaded.config.admin->ToString(), "127.0.0.1:9153");
  EXPECT_EQ(loaded.config.log_level, LogLevel::kInfo);
}

TEST(ConfigTest, FlagsWinOverEnvironmentOverFile) {
  const std::string yaml = "workers: 1\ncache-size: 1MiB\nlog-level: error\n";
  const LoadedConfig loaded = Load(
      yaml, {{"DOTCACHE_WORKERS", "2"}, {"DOTCACHE_CACHE_SIZE", "2MiB"}}, {{"workers", {"3"}}});
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.server.workers, 3);
  EXPECT_EQ(loaded.config.server.cache.budget_bytes, size_t{2} << 20);
  EXPECT_EQ(loaded.config.log_level, LogLevel::kError);
}

TEST(ConfigTest, AListOfAHigherSourceReplacesTheWholeList) {
  const LoadedConfig loaded = Load("listen: [127.0.0.1:1, 127.0.0.1:2]\n",
                                   {{"DOTCACHE_LISTEN", "udp://127.0.0.1:3, tcp://127.0.0.1:4"}});
  ASSERT_THAT(loaded.config.server.listen, SizeIs(2));
  EXPECT_EQ(loaded.config.server.listen[0].endpoint.port(), 3);
  EXPECT_EQ(loaded.config.server.listen[1].transport, Transport::kTcp);
}

TEST(ConfigTest, AnEmptyEnvironmentVariableCountsAsUnset) {
  EXPECT_EQ(Load("workers: 5\n", {{"DOTCACHE_WORKERS", ""}}).config.server.workers, 5);
}

TEST(ConfigTest, AnUnknownKeyIsReportedWithTheNearestKnownOne) {
  EXPECT_THAT(ErrorTexts(LoadYaml("workers: 2\nlisen: [127.0.0.1:53]\n")),
              ElementsAre("FILE:2: lisen: unknown key; did you mean `listen`?"));
}

TEST(ConfigTest, EveryErrorIsReported) {
  const LoadedConfig loaded = Load(
      "workers: many\n"
      "cache-size: 12 parsecs\n"
      "policy: best\n"
      "local-zones: perhaps\n",
      {{"DOTCACHE_ADMIN", "nowhere"}}, {{"log-level", {"loud"}}});
  EXPECT_THAT(ErrorTexts(loaded),
              testing::UnorderedElementsAre(
                  HasSubstr("FILE:1: workers: \"many\" is not a whole number from 1 to 256"),
                  HasSubstr("FILE:2: cache-size: \"12 parsecs\" is not a size"),
                  HasSubstr("FILE:3: policy: \"best\" is not one of balanced"),
                  HasSubstr("FILE:4: local-zones: \"perhaps\" is not on or off"),
                  HasSubstr("DOTCACHE_ADMIN: admin: "), HasSubstr("--log-level: log-level: ")));
}

TEST(ConfigTest, TheCachesPolicyIsSettable) {
  const LoadedConfig loaded = LoadYaml(
      "cache-min-ttl: 1m\ncache-max-ttl: 2d\ncache-max-negative-ttl: 2m\nstale-max-age: 0s\n"
      "stale-ttl: 10s\nstale-recheck: 20s\nstale-client-timeout: 500ms\nfailure-ttl: 3s\n"
      "failure-max-ttl: 4m\nprefetch: off\nlru-protected-percent: 0\n");
  ASSERT_THAT(ErrorTexts(loaded), IsEmpty());
  const CacheOptions& cache = loaded.config.server.cache;
  EXPECT_EQ(cache.ttl_caps.floor, Seconds{60});
  EXPECT_EQ(cache.ttl_caps.positive, Seconds{2 * 86400});
  EXPECT_EQ(cache.ttl_caps.negative, Seconds{120});
  EXPECT_EQ(cache.stale_max_age, Seconds{0});
  EXPECT_EQ(cache.stale_ttl, Seconds{10});
  EXPECT_EQ(cache.stale_recheck, Seconds{20});
  EXPECT_EQ(cache.failure_ttl, Seconds{3});
  EXPECT_EQ(cache.failure_max_ttl, Seconds{240});
  EXPECT_FALSE(cache.prefetch);
  EXPECT_EQ(cache.lru_protected_percent, 0);
  EXPECT_EQ(loaded.config.server.limits.stale_client_timeout, Milliseconds{500});
}

TEST(ConfigTest, DurationsInWholeSecondsTakeNoFractions) {
  for (absl::string_view key :
       {"local-ttl", "cache-min-ttl", "cache-max-ttl", "cache-max-negative-ttl", "stale-max-age",
        "stale-ttl", "stale-recheck", "failure-ttl", "failure-max-ttl"}) {
    EXPECT_THAT(ErrorTexts(LoadYaml(absl::StrCat(key, ": 1500ms\n"))),
                ElementsAre(absl::StrCat("FILE:1: ", key,
                                         ": \"1500ms\" is not a whole number of seconds")));
    EXPECT_THAT(ErrorTexts(LoadYaml(absl::StrCat(key, ": 2000ms\n"))), IsEmpty());
  }
  EXPECT_THAT(ErrorTexts(LoadYaml("stale-max-age: 500ms\n")), ElementsAre(HasSubstr("whole")));
}

TEST(ConfigTest, ExceptionsFromLocalZonesNeedLocalZones) {
  EXPECT_THAT(ErrorTexts(LoadYaml("local-zones: off\nlocal-zones-except: [onion, test]\n")),
              ElementsAre(HasSubstr(":2: local-zones-except: has no effect where")));
  EXPECT_THAT(ErrorTexts(LoadYaml("local-zones: off\nlocal-zones-except: []\n")), IsEmpty());
  EXPECT_THAT(ErrorTexts(LoadYaml("local-zones: on\nlocal-zones-except: [onion]\n")), IsEmpty());
}

TEST(ConfigTest, AnExchangeLastsAtLeastAsLongAsAClientWaits) {
  EXPECT_EQ(LoadYaml("query-timeout: 1s\n").config.server.limits.tuning.exchange_timeout,
            Milliseconds{5000});
  EXPECT_EQ(LoadYaml("query-timeout: 9s\n").config.server.limits.tuning.exchange_timeout,
            Milliseconds{9000});
}

TEST(ConfigTest, WrongShapesAreErrors) {
  ExpectErrors(R"(
    listen: {a: b} => FILE:1: listen: must be text, not a list or a map
    zones: corp.example => list of maps
    upstream: [] => is empty
    listen: [] => is empty
  )");
}

TEST(ConfigTest, AListenerOrServerListedTwiceIsAnError) {
  ExpectErrors(R"(
    listen: [127.0.0.1:53, tcp://127.0.0.1:53] => 127.0.0.1:53 is listed twice
    upstream: [quad9, tls://9.9.9.9#dns.quad9.net] => 9.9.9.9:853 is listed twice
  )");
}

TEST(ConfigTest, ZonesHaveServersOfTheirOwn) {
  const LoadedConfig loaded = LoadYaml(
      "upstream: [quad9]\n"
      "zones:\n"
      "  - zone: Corp.Example.\n"
      "    policy: sequential\n"
      "    upstream: [tls://192.0.2.1#dns.corp.example]\n");
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  ASSERT_THAT(loaded.config.server.upstream.zones, SizeIs(2));
  const UpstreamZoneOptions& zone = loaded.config.server.upstream.zones[1];
  EXPECT_EQ(zone.zone.ToString(), "corp.example.");
  EXPECT_EQ(zone.policy, SelectionPolicy::kSequential);
  ASSERT_THAT(zone.servers, SizeIs(1));
  EXPECT_EQ(zone.servers[0].identity.authentication_name, "dns.corp.example");
  EXPECT_THAT(loaded.origins.OfElement("upstream", 4), testing::EndsWith(":5"));
}

TEST(ConfigTest, AZoneNeedsANameAndServersAndMayNotRepeat) {
  ExpectErrors(R"(
    zones: [{upstream: quad9}] => needs `zone`
    zones: [{zone: a.example}] => needs `upstream`
    zones: [{zone: ., upstream: quad9}] => root
  )");
  EXPECT_THAT(ErrorTexts(LoadYaml("zones:\n"
                                  "  - {zone: a.example, upstream: quad9}\n"
                                  "  - {zone: A.example., upstream: google}\n")),
              ElementsAre(HasSubstr("FILE:3: zone: \"A.example.\" is listed twice")));
}

TEST(ConfigTest, AnOwnTextIsShortAndPrintable) {
  for (const std::string& wrong : {std::string(256, 'x'), std::string("a\\tb")}) {
    EXPECT_THAT(ErrorTexts(LoadYaml("identity: \"" + wrong + "\"\n")),
                ElementsAre(HasSubstr("is not 1 to 255 printable ASCII characters")));
  }
}

TEST(ConfigTest, AHostNameNeedsBootstrapServersWithAddresses) {
  EXPECT_THAT(
      ErrorTexts(LoadYaml("upstream: [quad9, \"tls://dns.example.net\"]\n"
                          "zones:\n  - {zone: corp.example, upstream: {host: a.example}}\n")),
      ElementsAre(
          testing::EndsWith(":1: upstream: the host name dns.example.net needs a `bootstrap` "
                            "server: write bootstrap: [tls://9.9.9.9#dns.quad9.net], or "
                            "write the address here, as tls://ADDR#dns.example.net"),
          HasSubstr(":3: upstream: the host name a.example needs a `bootstrap` server")));
  EXPECT_THAT(ErrorTexts(LoadYaml("bootstrap: [\"tls://dns.example.net\"]\n")),
              ElementsAre(HasSubstr(
                  "FILE:1: bootstrap: dns.example.net is a host name; write an address")));
  EXPECT_THAT(ErrorTexts(LoadYaml("bootstrap: []\n")), ElementsAre(HasSubstr("is empty; write")));
  const LoadedConfig loaded =
      LoadYaml("upstream: [\"tls://dns.example.net\"]\nbootstrap: [\"udp://192.0.2.53\", quad9]\n");
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  const auto& bootstrap = loaded.config.server.upstream.bootstrap;
  ASSERT_EQ(bootstrap.size(), 5u);
  EXPECT_EQ(bootstrap[0].transport, Transport::kUdp);
  EXPECT_EQ(bootstrap[4].transport, Transport::kDot);
}

TEST(ConfigTest, HostNamesCountForAllTheirSlots) {
  std::string yaml = "bootstrap: quad9\nupstream:\n";
  for (int i = 0; i < 8; ++i) absl::StrAppend(&yaml, "  - tls://dns", i, ".example.net\n");
  EXPECT_THAT(ErrorTexts(LoadYaml(yaml)), IsEmpty());
  EXPECT_THAT(ErrorTexts(LoadYaml(yaml + "  - tls://192.0.2.1\n")),
              ElementsAre(HasSubstr("more than 64 servers; a host name counts as 8")));
  EXPECT_THAT(ErrorTexts(LoadYaml(yaml + "  - tls://dns1.example.net\n")),
              ElementsAre(HasSubstr("dns1.example.net is listed twice")));
}

TEST(ConfigTest, AdminCanBeSwitchedOff) {
  EXPECT_FALSE(LoadYaml("admin: off\n").config.admin.has_value());
  EXPECT_FALSE(Load("", {{"DOTCACHE_ADMIN", "off"}}).config.admin.has_value());
}

TEST(ConfigTest, AllowFromReplacesTheDefault) {
  const LoadedConfig loaded = LoadYaml("allow-from: [192.0.2.0/24]\n");
  ASSERT_THAT(loaded.config.server.allow_from, SizeIs(1));
  EXPECT_EQ(loaded.config.server.allow_from[0].ToString(), "192.0.2.0/24");
  EXPECT_THAT(ErrorTexts(LoadYaml("allow-from: [192.0.2.1/24]\n")),
              ElementsAre(HasSubstr("bits set beyond")));
}

TEST(ConfigTest, IdentityVersionAnyAndCookiesAreRead) {
  const LoadedConfig loaded = Load(
      "version-text: one\nany: minimal\ncookies: required\n"
      "cookie-secret-file: /run/secret\n",
      {{"DOTCACHE_IDENTITY", "node-7, rack 2"}});
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  const ServerOptions& server = loaded.config.server;
  EXPECT_EQ(server.own_answers.identity, "node-7, rack 2");
  EXPECT_EQ(server.own_answers.version_text, "one");
  EXPECT_TRUE(server.own_answers.minimal_any);
  EXPECT_EQ(server.cookies, CookieMode::kRequired);
  EXPECT_EQ(server.cookie_secret_file, "/run/secret");
  EXPECT_EQ(LoadYaml("cookies: off\n").config.server.cookies, CookieMode::kOff);
}

TEST(ConfigTest, AFileThatCannotBeReadIsNamed) {
  const auto none = [](const std::string&) { return std::optional<std::string>(); };
  const LoadedConfig loaded = LoadConfig({{}, none, "/nonexistent/dotcache.yaml"});
  EXPECT_THAT(ErrorTexts(loaded),
              ElementsAre("/nonexistent/dotcache.yaml: cannot be read: No such file or directory"));
}

TEST(ConfigTest, TheFormattedConfigurationReadsBackToTheSame) {
  const LoadedConfig first = LoadYaml(
      "listen: [\"tls://[::1]:8853\", 127.0.0.1:5300]\n"
      "listen-cert: /tmp/a \\\"b.pem\n"
      "upstream:\n"
      "  - quad9\n"
      "  - {addresses: 192.0.2.7, insecure: true, legacy-crypto: true}\n"
      "  - {addresses: 192.0.2.8, ca: /a b, cert: /c, key: '/\"d', pins-file: /e}\n"
      "  - tls://dns.example.net:8853#example.net\n"
      "  - {host: dns.example.org, weight: 3}\n"
      "bootstrap: [\"udp://192.0.2.53\", \"tls://192.0.2.54#dns.example\"]\n"
      "zones:\n"
      "  - {zone: corp.example, upstream: google, policy: random}\n"
      "  - {zone: cluster.local, upstream: [\"udp://10.96.0.10\", \"tcp://[fd00::10]:5353\"]}\n"
      "cache-size: 3000000\n"
      "query-timeout: 1500ms\n"
      "stale-client-timeout: 0s\n"
      "cache-min-ttl: 10s\n"
      "stale-max-age: 3d\n"
      "stale-ttl: 20s\n"
      "stale-recheck: 1m\n"
      "failure-ttl: 2s\n"
      "failure-max-ttl: 1m\n"
      "prefetch: off\n"
      "lru-protected-percent: 70\n"
      "identity: \"a \\\"name\\\"\"\n"
      "version-text: one\n"
      "any: minimal\n"
      "cookies: required\n"
      "cookie-secret-file: /run/secret\n"
      "admin: off\n");
  ASSERT_THAT(ErrorTexts(first), IsEmpty());
  const std::string text = FormatConfig(first.config);
  for (const char* line :
       {"ca: \"/a b\"", "cert: \"/c\"", "key: \"/\\\"d\"", "pins-file: \"/e\""}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  const LoadedConfig second = LoadYaml(text);
  EXPECT_THAT(ErrorTexts(second), IsEmpty()) << text;
  EXPECT_EQ(WithoutComments(FormatConfig(second.config)), WithoutComments(text));
}

TEST(ConfigTest, ReplyRateIsOnByDefaultForPublicListeners) {
  const auto rate = [](const std::string& yaml) {
    const LoadedConfig loaded = LoadYaml(yaml);
    EXPECT_THAT(ErrorTexts(loaded), IsEmpty()) << yaml;
    return loaded.config.server.reply_rate.per_second;
  };
  const std::string open = "allow-from: [0.0.0.0/0]\n";
  EXPECT_EQ(rate(""), 0);
  EXPECT_EQ(rate("listen: [0.0.0.0:53]\n"), 0);
  EXPECT_EQ(rate("listen: [10.0.0.1:53]\n" + open), 50);
  EXPECT_EQ(rate("listen: [127.0.0.1:53, \"[::1]:53\"]\n" + open), 0);
  EXPECT_EQ(rate("listen: [tcp://192.0.2.1:53]\n" + open), 0);
  EXPECT_EQ(rate("listen: [192.0.2.1:53]\n"), 0);
  EXPECT_EQ(rate("listen: [\"[::]:53\"]\n" + open), 50);
  EXPECT_EQ(rate("listen: [192.0.2.1:53]\nreplies-per-second: 7\n" + open), 7);
  EXPECT_EQ(rate("listen: [192.0.2.1:53]\nreplies-per-second: 0\n" + open), 0);
}

TEST(ConfigTest, StreamsPerClientFollowTheStreamsOfAWorker) {
  const auto limit = [](const std::string& yaml) {
    return LoadYaml(yaml).config.server.limits.max_streams_per_client;
  };
  EXPECT_EQ(limit(""), 256);
  EXPECT_EQ(limit("max-stream-connections: 1600\n"), 100);
  EXPECT_EQ(limit("max-stream-connections: 10\n"), 16);
  EXPECT_EQ(limit("max-stream-connections: 10\nmax-streams-per-client: 3\n"), 3);
}

LoadedConfig WithVariables(const std::vector<std::string>& variables) {
  const auto read = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  return LoadConfig({{}, read, "", variables});
}

TEST(ConfigTest, UnknownVariableIsAnErrorWithTheNearestOne) {
  EXPECT_THAT(
      ErrorTexts(WithVariables(
          {"DOTCACHE_CACHE_SIZ", "DOTCACHE_CACHE_MIN_TTL", "DOTCACHE_LISTEN", "DOTCACHE_CONFIG"})),
      ElementsAre("DOTCACHE_CACHE_SIZ: cache-siz: unknown variable; did you mean "
                  "DOTCACHE_CACHE_SIZE?",
                  "DOTCACHE_CACHE_MIN_TTL: cache-min-ttl: can be set in the YAML file only"));
}

TEST(ConfigTest, VariableOfAnotherProgramIsAWarning) {
  const LoadedConfig loaded = WithVariables({"DOTCACHE_QQQQQQQQ"});
  EXPECT_TRUE(loaded.errors.empty());
  EXPECT_EQ(loaded.warnings.size(), 1u);
}

// Kubernetes sets these in each pod for a Service called "dotcache".
TEST(ConfigTest, ServiceLinkIsAWarning) {
  const LoadedConfig loaded =
      WithVariables({"DOTCACHE_SERVICE_HOST", "DOTCACHE_SERVICE_PORT_DNS", "DOTCACHE_PORT",
                     "DOTCACHE_PORT_53_UDP_ADDR", "DOTCACHE_NODE_SERVICE_HOST"});
  EXPECT_TRUE(loaded.errors.empty());
  EXPECT_EQ(loaded.warnings.size(), 5u);
}

}  // namespace
}  // namespace dotcache
