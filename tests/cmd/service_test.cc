// SPDX-License-Identifier: Apache-2.0
#include "cmd/service.h"

#include <filesystem>

#include "admin/limit_levels.h"
#include "cmd/descriptor_limit.h"
#include "tests/cmd/config_test_support.h"
#include "tests/support/test_certificates.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::optional<std::string> NoVariables(const std::string&) { return std::nullopt; }

class ServiceTest : public testing::Test {
 protected:
  static constexpr char kWithoutCa[] =
      "admin: off\nlisten: [127.0.0.1:0]\nupstream: [tls://127.0.0.1:1#a.example]\n";
  static std::string Base() {
    return absl::StrCat(kWithoutCa, "upstream-ca: ", GetTestCertificates().ca.certificate_file,
                        "\n");
  }
  void Write(const std::string& text) { std::ofstream(file_.path()) << Base() << text; }
  void Start() {
    LoadedConfig loaded = LoadAndCheck(sources_, /*bind=*/true);
    ASSERT_THAT(ErrorTexts(loaded), IsEmpty());
    FitConnectionsToDescriptors(loaded.config.server);
    auto service = Service::Create(loaded.config, sources_, manager_);
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
    ASSERT_TRUE(service_->Start().ok());
  }

  ScratchFile file_{Base()};
  ConfigSources sources_{{}, NoVariables, file_.path()};
  ServiceManager manager_{NoVariables, 1};
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, ReloadReportsChangesAndWhatNeedsARestart) {
  Start();
  Write("records: [\"a.example. A 192.0.2.1\"]\nprefetch: off\nlame-duck: 3s\n");
  const ReloadReport report = service_->Reload();
  EXPECT_THAT(report.errors, IsEmpty());
  EXPECT_THAT(report.changes,
              ElementsAre("+ records:", "+   - \"a.example. A 192.0.2.1\"", "- lame-duck: 0s",
                          "+ lame-duck: 3s", "  # local records: 0 before, 1 now"));
  EXPECT_THAT(report.need_restart, ElementsAre("prefetch"));
  EXPECT_EQ(service_->lame_duck(), Seconds(3));
  EXPECT_EQ(service_->server().reloads(true), 1u);
  // What needs a restart is named again as long as it differs.
  EXPECT_THAT(service_->Reload().need_restart, ElementsAre("prefetch"));
}

TEST_F(ServiceTest, TheCacheGrowsAndShrinksWithAReload) {
  Start();
  for (const char* size : {"1MiB", "200MiB", "0", "2MiB"}) {
    Write(absl::StrCat("cache-size: ", size, "\n"));
    const ReloadReport report = service_->Reload();
    EXPECT_THAT(report.errors, IsEmpty());
    EXPECT_THAT(report.need_restart, IsEmpty());
    EXPECT_THAT(report.changes, testing::Contains(HasSubstr("+ cache-size")));
  }
  EXPECT_EQ(service_->server().cache().options().budget_bytes, size_t{2} << 20);
  EXPECT_EQ(service_->server().cache().Stats().budget_bytes, size_t{2} << 20);
}

TEST_F(ServiceTest, TheBoundsOfLimitsFollowAReload) {
  Start();
  Write("max-stream-connections: 50\n");
  EXPECT_THAT(service_->Reload().errors, IsEmpty());
  const auto workers = static_cast<uint64_t>(service_->server().worker_count());
  std::vector<uint64_t> bounds;
  for (const LimitLevel& level : LimitLevels(service_->server())) {
    if (level.limit == Limit::kConnections) bounds.push_back(level.bound);
  }
  EXPECT_THAT(bounds, testing::ElementsAre(50 * workers));
}

TEST_F(ServiceTest, AReloadWarnsOfAServerThatIsNoLongerAuthenticated) {
  Start();
  std::ofstream(file_.path()) << "admin: off\nlisten: [127.0.0.1:0]\n"
                                 "upstream: [{addresses: \"127.0.0.1:1\", insecure: true}]\n";
  testing::internal::CaptureStderr();
  EXPECT_THAT(service_->Reload().errors, IsEmpty());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("is not authenticated"));
  testing::internal::CaptureStderr();
  EXPECT_THAT(service_->Reload().errors, IsEmpty());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::Not(HasSubstr("authenticated")));
}

TEST_F(ServiceTest, ReloadWithErrorsReportsAllOfThemAndChangesNothing) {
  Write("records: [\"a.example. A 192.0.2.1\"]\n");
  Start();
  Write("records: [\"no record\"]\nworkers: 0\nlistn: x\n");
  const ReloadReport report = service_->Reload();
  EXPECT_THAT(report.errors, testing::SizeIs(3));
  EXPECT_THAT(report.changes, IsEmpty());
  EXPECT_EQ(service_->server().local_record_count(), 1u);
  EXPECT_FALSE(service_->server().last_reload_ok());
  EXPECT_EQ(service_->server().reloads(false), 1u);
}

TEST_F(ServiceTest, AfterTheStopIsAnnouncedNoReloadChangesAnything) {
  Start();
  Write("records: [\"a.example. A 192.0.2.1\"]\n");
  service_->AnnounceStop();
  EXPECT_THAT(service_->Reload().errors, ElementsAre("the server is stopping"));
  EXPECT_EQ(service_->server().local_record_count(), 0u);
}

TEST_F(ServiceTest, ChangedHostsFileIsReloaded) {
  const ScratchFile hosts("192.0.2.1 a.example\n");
  Write("hosts-file: [" + hosts.path() + "]\n");
  Start();
  const size_t before = service_->server().local_record_count();
  service_->CheckFiles();
  EXPECT_EQ(service_->server().reloads(true), 0u);
  std::ofstream(hosts.path()) << "192.0.2.1 a.example\n192.0.2.2 b.example\n";
  service_->CheckFiles();
  EXPECT_EQ(service_->server().reloads(true), 1u);
  // The configuration file is not read, because it may be in the middle of an edit.
  Write("listn: x\n");
  std::ofstream(hosts.path()) << "192.0.2.1 a.example\n";
  service_->CheckFiles();
  EXPECT_EQ(service_->server().reloads(true), 2u);
  EXPECT_EQ(service_->server().local_record_count(), before);
}

TEST_F(ServiceTest, AllErrorsOfLocalRecordsAreReported) {
  Write("records: [\"a.example. A 192.0.2.1\"]\n");
  Start();
  Write("records: [\"no record\", \"b.example. A 192.0.2.1\", \"none either\"]\n");
  EXPECT_THAT(service_->Reload().errors,
              ElementsAre(HasSubstr(file_.path()), HasSubstr(file_.path())));
  EXPECT_EQ(service_->server().local_record_count(), 1u);
}

TEST_F(ServiceTest, EachZoneKeepsAProvider) {
  std::ofstream(file_.path()) << "admin: off\nlisten: [127.0.0.1:0]\nupstream: "
                                 "[tls://127.0.0.1:1#a.example, tls://127.0.0.1:2#b.example]\n";
  Start();
  const auto status = service_->UseProvider("c.example", false);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("the providers are a.example, b.example"));
  EXPECT_TRUE(service_->UseProvider("a.example", false).ok());
  EXPECT_TRUE(service_->IsTakenOut("a.example"));
  EXPECT_EQ(service_->UseProvider("b.example", false).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(service_->IsTakenOut("b.example"));
  EXPECT_TRUE(service_->UseProvider("a.example", true).ok());
  EXPECT_TRUE(service_->UseProvider("b.example", false).ok());
}

TEST_F(ServiceTest, EmptiedFileChangesNothing) {
  Write("records: [\"a.example. A 192.0.2.1\"]\n");
  Start();
  std::ofstream(file_.path()) << "";
  EXPECT_THAT(service_->Reload().errors, ElementsAre(HasSubstr("is empty, perhaps")));
  EXPECT_EQ(service_->server().local_record_count(), 1u);
}

TEST_F(ServiceTest, FileThatCannotBeReadAgainIsAnError) {
  Start();
  sources_.file = "/dev/null";
  EXPECT_THAT(service_->Reload().errors, ElementsAre(HasSubstr("not a regular file")));
}

TEST_F(ServiceTest, FilesOfUnchangedSettingsAreNotReadAgain) {
  const ScratchFile ca("");
  std::filesystem::copy_file(GetTestCertificates().ca.certificate_file, ca.path(),
                             std::filesystem::copy_options::overwrite_existing);
  const std::string before = "upstream-ca: " + ca.path() + "\n";
  std::ofstream(file_.path()) << kWithoutCa << before;
  Start();
  std::ofstream(ca.path()) << "";
  std::ofstream(file_.path()) << kWithoutCa << before << "rotate: off\n";
  EXPECT_THAT(service_->Reload().errors, IsEmpty());
  std::ofstream(file_.path()) << kWithoutCa << "upstream-ca: /nonexistent\n";
  EXPECT_THAT(service_->Reload().errors, ElementsAre(HasSubstr("/nonexistent")));
}

}  // namespace
}  // namespace dotcache
