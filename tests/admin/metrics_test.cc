// SPDX-License-Identifier: Apache-2.0
#include "admin/metrics.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/boot_clock.h"
#include "tests/support/message_builder.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kName[] = "secret-name.example.com";

// The value of the series with exactly this text, or -1.
double Value(const std::string& text, const std::string& series) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, absl::StrCat(series, " "))) {
      return std::stod(std::string(line.substr(series.size() + 1)));
    }
  }
  return -1;
}

// The value of the only series of this family that has all these labels, or -1.
double Value(const std::string& text, const std::string& family,
             const std::vector<std::string>& labels) {
  double value = -1;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, family + "{")) continue;
    if (!std::all_of(labels.begin(), labels.end(),
                     [line](const std::string& label) { return absl::StrContains(line, label); })) {
      continue;
    }
    EXPECT_EQ(value, -1) << family;
    value = std::stod(std::string(line.substr(line.rfind(' '))));
  }
  return value;
}

class MetricsTest : public testing::Test {
 protected:
  static constexpr uint64_t kAllocatedBytes = 123456789;
  std::string Render() { return RenderMetrics(server_.server(), kAllocatedBytes); }

  static ServerOptions Options(const LoopbackDotServer& upstream) {
    ServerOptions options = TestServerOptions({&upstream});
    options.workers = 2;
    return options;
  }

  LoopbackDotServer upstream_;
  RunningServer server_{Options(upstream_)};
};

TEST_F(MetricsTest, EveryFamilyHasHelpAndTypeFromTheStart) {
  const std::string text = Render();
  for (const char* family : {"build_info gauge",
                             "queries_total counter",
                             "responses_total counter",
                             "rejected_queries_total counter",
                             "limit_rejections_total counter",
                             "cache_hits_total counter",
                             "cache_misses_total counter",
                             "cache_nxdomain_hits_total counter",
                             "stale_answers_total counter",
                             "cached_failures_total counter",
                             "prefetches_total counter",
                             "network_changes_total counter",
                             "failed_refreshes_total counter",
                             "local_answers_total counter",
                             "local_record_answers_total counter",
                             "coalesced_queries_total counter",
                             "refused_clients_total counter",
                             "udp_send_drops_total counter",
                             "truncated_replies_total counter",
                             "stream_connections_total counter",
                             "stream_connections gauge",
                             "pending_queries gauge",
                             "miss_duration_seconds histogram",
                             "query_duration_seconds histogram",
                             "query_size_bytes histogram",
                             "reply_size_bytes histogram",
                             "query_types_total counter",
                             "servfail_replies_total counter",
                             "limit_used gauge",
                             "limit_bound gauge",
                             "ready gauge",
                             "cache_entries gauge",
                             "cache_bytes gauge",
                             "cache_budget_bytes gauge",
                             "cache_insertions_total counter",
                             "cache_evictions_total counter",
                             "cache_expirations_total counter",
                             "upstream_queries_total counter",
                             "upstream_responses_total counter",
                             "upstream_failures_total counter",
                             "upstream_timeouts_total counter",
                             "upstream_hedges_total counter",
                             "upstream_stalls_total counter",
                             "upstream_rejected_responses_total counter",
                             "upstream_connections gauge",
                             "upstream_in_flight gauge",
                             "upstream_up gauge",
                             "upstream_certificate_expiry_timestamp_seconds gauge",
                             "upstream_handshakes_total counter",
                             "upstream_response_seconds histogram",
                             "upstream_handshake_seconds histogram"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("# TYPE dotcache_", family, "\n")));
    const std::string name = std::string(family).substr(0, std::string(family).find(' '));
    EXPECT_THAT(text, HasSubstr(absl::StrCat("# HELP dotcache_", name, " ")));
  }
}

TEST_F(MetricsTest, EachLimitHasASeries) {
  const std::string text = Render();
  for (const char* limit : {"pending-queries", "waiters-per-query", "per-client", "waiters",
                            "upstream", "connections", "unread", "unfinished"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("\ndotcache_limit_rejections_total{limit=\"", limit,
                                             "\"} 0\n")));
  }
}

TEST_F(MetricsTest, LimitsShowTheirUseAndBound) {
  const std::string text = Render();
  EXPECT_EQ(Value(text, "dotcache_limit_used{limit=\"connections\"}"), 0);
  EXPECT_EQ(Value(text, "dotcache_limit_bound{limit=\"connections\"}"), 2 * 4096);
  EXPECT_EQ(Value(text, "dotcache_limit_bound{limit=\"pending-queries\"}"), 10000);
}

TEST_F(MetricsTest, TheCauseOfAServFailIsCounted) {
  LoopbackDotServer errors({.handler = [](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = ErrorTo(query.wire, Rcode::kServFail)}};
  }});
  RunningServer server(TestServerOptions({&errors}));
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
  }
  const std::string text = RenderMetrics(server.server(), kAllocatedBytes);
  EXPECT_EQ(Value(text, "dotcache_servfail_replies_total{cause=\"errors\"}"), 1);
  EXPECT_EQ(Value(text, "dotcache_servfail_replies_total{cause=\"remembered\"}"), 1);
}

TEST_F(MetricsTest, ThreeProvidersWithFourAddressesHaveFewSeries) {
  // As in the default configuration. A certificate's expiry is shown after the first connection.
  constexpr int kMost = 300;
  constexpr int kProviders = 3;
  ServerOptions options = Options(upstream_);
  std::erase_if(options.listen,
                [](const ListenOptions& listen) { return listen.transport == Transport::kDot; });
  std::vector<UpstreamServerOptions>& servers = options.upstream.zones[0].servers;
  const UpstreamServerOptions model = servers[0];
  servers.clear();
  for (uint16_t port = 1; port <= 12; ++port) {
    servers.push_back(model.At(*Endpoint::ParseAddress("127.0.0.1", port)));
    servers.back().provider = absl::StrCat("provider", port % kProviders);
  }
  RunningServer server(options);
  int series = kProviders;
  for (const absl::string_view line :
       absl::StrSplit(RenderMetrics(server.server(), kAllocatedBytes), '\n', absl::SkipEmpty())) {
    if (!absl::StartsWith(line, "#")) ++series;
  }
  EXPECT_LE(series, kMost);
  EXPECT_GT(series, kMost / 2);
}

TEST_F(MetricsTest, NoFamilyOrSeriesOccursTwice) {
  std::set<std::string> seen;
  for (const absl::string_view line : absl::StrSplit(Render(), '\n', absl::SkipEmpty())) {
    const std::string series(line.substr(0, line.rfind(' ')));
    EXPECT_TRUE(seen.insert(series).second) << series;
  }
}

TEST_F(MetricsTest, MissesAndHitsAreCounted) {
  ASSERT_FALSE(server_.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
  ASSERT_FALSE(server_.Ask(Transport::kTcp, MakeQuery(kName, QType::kA)).empty());
  ASSERT_FALSE(server_.Ask(Transport::kDot, MakeQuery(kName, QType::kA)).empty());
  server_.Ask(Transport::kUdp, MakeQuery(kName, QType::kAxfr));
  const std::string text = Render();
  EXPECT_EQ(Value(text, "dotcache_queries_total{transport=\"udp\"}"), 2);
  EXPECT_EQ(Value(text, "dotcache_queries_total{transport=\"tcp\"}"), 1);
  EXPECT_EQ(Value(text, "dotcache_queries_total{transport=\"dot\"}"), 1);
  const auto replies = [&text](const char* rcode, const char* transport, const char* source) {
    return Value(text, absl::StrCat("dotcache_responses_total{rcode=\"", rcode, "\",transport=\"",
                                    transport, "\",source=\"", source, "\"}"));
  };
  EXPECT_EQ(replies("NOERROR", "udp", "miss\",zone_kind=\"default"), 1);
  EXPECT_EQ(replies("NOERROR", "tcp", "hit\",zone_kind=\"default"), 1);
  EXPECT_EQ(replies("NOERROR", "dot", "hit\",zone_kind=\"default"), 1);
  EXPECT_EQ(replies("NOTIMP", "udp", "refused"), 1);
  EXPECT_EQ(Value(text, "dotcache_query_types_total{type=\"A\"}"), 3);
  EXPECT_EQ(Value(text, "dotcache_query_size_bytes_count"), 4);
  EXPECT_EQ(Value(text, "dotcache_reply_size_bytes_count"), 4);
  EXPECT_EQ(Value(text, "dotcache_rejected_queries_total{reason=\"zone_transfer\"}"), 1);
  EXPECT_EQ(Value(text, "dotcache_cache_hits_total"), 2);
  EXPECT_EQ(Value(text, "dotcache_cache_misses_total"), 1);
  EXPECT_EQ(Value(text, "dotcache_cache_entries"), 1);
  EXPECT_GT(Value(text, "dotcache_cache_bytes"), 0);
  EXPECT_EQ(Value(text, "dotcache_cache_budget_bytes"), 1 << 20);
  EXPECT_EQ(Value(text, "dotcache_stream_connections_total"), 2);
  EXPECT_EQ(Value(text, "dotcache_miss_duration_seconds_count"), 1);
  EXPECT_EQ(Value(text, "dotcache_upstream_up",
                  {absl::StrCat("address=\"", upstream_.endpoint().ToString(), "\"")}),
            1);
  const std::vector<std::string> provider = {"zone=\".\"", "provider=\"example\""};
  EXPECT_EQ(Value(text, "dotcache_upstream_queries_total", provider), 1);
  EXPECT_EQ(Value(text, "dotcache_upstream_response_seconds_count", provider), 1);
  EXPECT_GT(Value(text, "dotcache_upstream_certificate_expiry_timestamp_seconds", provider),
            static_cast<double>(UnixTime()));
  EXPECT_GT(Value(text, "dotcache_listener_certificate_expiry_timestamp_seconds"),
            static_cast<double>(UnixTime()));
  const auto labelled = [&](const char* family, const char* label) {
    return Value(text, family, {provider[1], label});
  };
  EXPECT_EQ(labelled("dotcache_upstream_responses_total", "rcode=\"NOERROR\""), 1);
  EXPECT_EQ(labelled("dotcache_upstream_failures_total", "reason=\"timeout\""), 0);
  EXPECT_GE(labelled("dotcache_upstream_handshakes_total", "outcome=\"full\""), 1);
}

TEST_F(MetricsTest, HistogramHasFewBucketsThatEndAtTheCount) {
  ASSERT_FALSE(server_.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
  const std::string text = Render();
  double last = 0;
  double last_bound = 0;
  int buckets = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::StartsWith(line, "dotcache_miss_duration_seconds_bucket")) continue;
    ++buckets;
    const std::string bound(line.substr(line.find('"') + 1));
    EXPECT_GT(std::stod(bound), last_bound);
    last_bound = std::stod(bound);
    const double value = std::stod(std::string(line.substr(line.rfind(' '))));
    EXPECT_GE(value, last);
    last = value;
  }
  EXPECT_EQ(buckets, 14);
  EXPECT_EQ(last, 1);
  EXPECT_THAT(text, HasSubstr("dotcache_miss_duration_seconds_bucket{le=\"0.001\"}"));
  EXPECT_THAT(text, HasSubstr("dotcache_miss_duration_seconds_bucket{le=\"10\"}"));
  EXPECT_EQ(Value(text, "dotcache_miss_duration_seconds_bucket{le=\"+Inf\"}"), 1);
}

TEST_F(MetricsTest, HostSlotIsShownByNumberWhileItHasAnAddress) {
  ServerOptions options = Options(upstream_);
  UpstreamServerOptions slot;
  slot.provider = slot.host = "dns.example.net";
  options.upstream.zones[0].servers.push_back(slot);
  slot.slot = 1;
  slot.endpoint = *Endpoint::Parse("127.0.0.1:1");
  options.upstream.zones[0].servers.push_back(slot);
  RunningServer server(options);
  const std::string text = RenderMetrics(server.server(), kAllocatedBytes);
  EXPECT_THAT(text, HasSubstr("address=\"dns.example.net/1\""));
  EXPECT_THAT(text, Not(HasSubstr("address=\"dns.example.net/0\"")));
}

TEST_F(MetricsTest, AllocatedMemoryIsShown) {
  EXPECT_EQ(Value(Render(), "dotcache_memory_allocated_bytes"), kAllocatedBytes);
}

TEST_F(MetricsTest, HedgesAndStallsAreCountedPerServer) {
  std::atomic<bool> silent = false;
  LoopbackDotServer other({.handler = AnswerEverything()});
  LoopbackDotServer mute({.handler = [&silent](const DotQuery& query) {
    return silent ? std::vector<DotAction>() : AnswerEverything()(query);
  }});
  ServerOptions options = TestServerOptions({&mute, &other});
  options.workers = 1;
  options.upstream.zones[0].servers[0].provider = "mute";
  options.upstream.zones[0].servers[1].provider = "other";
  options.upstream.limits.hedge = true;
  RunningServer server(options);
  ASSERT_TRUE(server.WaitUntilReady());
  ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery("first.example", QType::kA)).empty());
  const auto count = [&server](absl::string_view family, absl::string_view provider) {
    return Value(RenderMetrics(server.server(), kAllocatedBytes),
                 absl::StrCat("dotcache_upstream_", family, "_total"),
                 {absl::StrCat("provider=\"", provider, "\"")});
  };
  const double hedges_before = count("hedges", "other");
  silent = true;
  // A process that is held up sends the second query as a retry and not as a hedge.
  for (int i = 0; i < 100 && count("hedges", "other") == hedges_before; ++i) {
    const std::string name = absl::StrCat("second", i, ".example");
    ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery(name, QType::kA)).empty());
  }
  EXPECT_EQ(count("hedges", "other"), hedges_before + 1);
  EXPECT_EQ(count("hedges", "mute"), 0);
  EXPECT_EQ(count("stalls", "other"), 0);
}

TEST_F(MetricsTest, QueryNamesAndClientAddressesAreNotShown) {
  ASSERT_FALSE(server_.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
  EXPECT_THAT(Render(), AllOf(Not(HasSubstr("secret-name")), Not(HasSubstr("client="))));
}

TEST_F(MetricsTest, CredentialReloadsAreCountedByResult) {
  server_.server().ReloadCredentials();  // No file has changed.
  const std::string text = Render();
  EXPECT_EQ(Value(text, "dotcache_credential_reloads_total{result=\"ok\"}"), 0);
  EXPECT_EQ(Value(text, "dotcache_credential_reloads_total{result=\"error\"}"), 0);
}

}  // namespace
}  // namespace dotcache
