// SPDX-License-Identifier: Apache-2.0
#include "cmd/reload.h"

#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Config FromYaml(const std::string& yaml) { return LoadYaml(yaml).config; }

TEST(ReloadTest, SettingsOfARunningServerAreTakenOverAndTheOthersKept) {
  const Config running = FromYaml("workers: 1\nquery-timeout: 1s\nrotate: on\n");
  const Config next = FromYaml(
      "workers: 2\nquery-timeout: 3s\nrotate: off\nlog-level: warn\n"
      "records: [\"a.example. A 192.0.2.1\"]\nallow-from: [192.0.2.0/24]\n"
      "cache-size: 1MiB\nmax-pending-queries: 5\n");
  const Config config = TakenOver(running, next);
  EXPECT_THAT(ChangedKeys(running, config),
              ElementsAre("allow-from", "cache-size", "rotate", "records", "query-timeout",
                          "max-pending-queries", "max-pending-per-client", "log-level"));
  EXPECT_THAT(ChangedKeys(config, next), ElementsAre("workers"));
}

TEST(ReloadTest, RatesAndTtlBoundsAreTakenOver) {
  const Config running = FromYaml("workers: 1\n");
  const Config next = FromYaml(
      "workers: 1\nreplies-per-second: 7\nreply-slip: 3\nhandshakes-per-second: 9\n"
      "cache-min-ttl: 2s\ncache-max-ttl: 1h\ncache-max-negative-ttl: 9s\n");
  EXPECT_THAT(ChangedKeys(TakenOver(running, next), next), IsEmpty());
}

TEST(ReloadTest, UpstreamServersAndZonesAreTakenOver) {
  const Config running = FromYaml("workers: 1\nupstream: [quad9]\n");
  const Config next = FromYaml(
      "workers: 1\nupstream: [cloudflare]\npolicy: random\nhedge: off\n"
      "upstream-idle-timeout: 3s\nupstream-ca: /ca\nloop-check: off\n");
  const Config config = TakenOver(running, next);
  EXPECT_THAT(ChangedKeys(config, next), IsEmpty());
  EXPECT_EQ(config.server.upstream, next.server.upstream);
}

TEST(ReloadTest, NothingChangesWithoutADifference) {
  const Config config = FromYaml("workers: 1\n");
  EXPECT_THAT(ChangedKeys(config, config), IsEmpty());
  EXPECT_THAT(ChangedLines(config, config), IsEmpty());
}

TEST(ReloadTest, LinesShowWhatWasRemovedAndAdded) {
  const Config before = FromYaml(
      "query-timeout: 1s\nrecords: [\"a.example. A 192.0.2.1\", "
      "\"b.example. A 192.0.2.2\"]\n");
  const Config after = FromYaml(
      "query-timeout: 3s\nrecords: [\"a.example. A 192.0.2.1\", "
      "\"c.example. A 192.0.2.3\"]\n");
  EXPECT_THAT(ChangedLines(before, after),
              ElementsAre("  records:", "-   - \"b.example. A 192.0.2.2\"",
                          "+   - \"c.example. A 192.0.2.3\"", "- query-timeout: 1s",
                          "+ query-timeout: 3s"));
}

TEST(ReloadTest, AnotherOrderIsADifference) {
  const Config before = FromYaml("hosts-file: [/a, /b]\n");
  const Config after = FromYaml("hosts-file: [/b, /a]\n");
  EXPECT_THAT(ChangedLines(before, after), ElementsAre("  hosts-file:", "  # in another order"));
}

}  // namespace
}  // namespace dotcache
