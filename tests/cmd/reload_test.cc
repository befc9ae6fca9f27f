// SPDX-License-Identifier: Apache-2.0
#include "cmd/reload.h"

#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ReloadTest, SettingsOfARunningServerAreTakenOverAndTheOthersKept) {
  const Config running = LoadYaml("workers: 1\nquery-timeout: 1s\nrotate: on\n").config;
  const Config next = LoadYaml(
                          "workers: 2\nquery-timeout: 3s\nrotate: off\nlog-level: warn\n"
                          "records: [\"a.example. A 192.0.2.1\"]\nallow-from: [192.0.2.0/24]\n"
                          "cache-size: 1MiB\nmax-pending-queries: 5\n")
                          .config;
  const Config config = TakenOver(running, next);
  EXPECT_THAT(ChangedKeys(running, config),
              ElementsAre("allow-from", "cache-size", "rotate", "records", "query-timeout",
                          "max-pending-queries", "max-pending-per-client", "log-level"));
  EXPECT_THAT(ChangedKeys(config, next), ElementsAre("workers"));
}

TEST(ReloadTest, RatesAndTtlBoundsAreTakenOver) {
  const Config running = LoadYaml("workers: 1\n").config;
  const Config next = LoadYaml(
                          "workers: 1\nreplies-per-second: 7\nreply-slip: 3\n"
                          "handshakes-per-second: 9\ncache-min-ttl: 2s\ncache-max-ttl: 1h\n"
                          "cache-max-negative-ttl: 9s\n")
                          .config;
  EXPECT_THAT(ChangedKeys(TakenOver(running, next), next), IsEmpty());
}

TEST(ReloadTest, UpstreamServersAndZonesAreTakenOver) {
  const Config running = LoadYaml("workers: 1\nupstream: [quad9]\n").config;
  const Config next = LoadYaml(
                          "workers: 1\nupstream: [cloudflare]\npolicy: random\nhedge: off\n"
                          "upstream-idle-timeout: 3s\nupstream-ca: /ca\nloop-check: off\n")
                          .config;
  const Config config = TakenOver(running, next);
  EXPECT_THAT(ChangedKeys(config, next), IsEmpty());
  EXPECT_EQ(config.server.upstream, next.server.upstream);
}

TEST(ReloadTest, NothingChangesWithoutADifference) {
  const Config config = LoadYaml("workers: 1\n").config;
  EXPECT_THAT(ChangedKeys(config, config), IsEmpty());
  EXPECT_THAT(ChangedLines(config, config), IsEmpty());
}

TEST(ReloadTest, LinesShowWhatWasRemovedAndAdded) {
  const Config before = LoadYaml(
                            "query-timeout: 1s\nrecords: [\"a.example. A 192.0.2.1\", "
                            "\"b.example. A 192.0.2.2\"]\n")
                            .config;
  const Config after = LoadYaml(
                           "query-timeout: 3s\nrecords: [\"a.example. A 192.0.2.1\", "
                           "\"c.example. A 192.0.2.3\"]\n")
                           .config;
  EXPECT_THAT(ChangedLines(before, after),
              ElementsAre("  records:", "-   - \"b.example. A 192.0.2.2\"",
                          "+   - \"c.example. A 192.0.2.3\"", "- query-timeout: 1s",
                          "+ query-timeout: 3s"));
}

TEST(ReloadTest, AnotherOrderIsADifference) {
  const Config before = LoadYaml("hosts-file: [/a, /b]\n").config;
  const Config after = LoadYaml("hosts-file: [/b, /a]\n").config;
  EXPECT_THAT(ChangedLines(before, after), ElementsAre("  hosts-file:", "  # in another order"));
}

}  // namespace
}  // namespace dotcache
