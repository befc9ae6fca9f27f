// SPDX-License-Identifier: Apache-2.0
#include "server/credential_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Four upstream servers and a DoT listener. Two servers use the common CA. The third has its own
// certificate, key and pins. The fourth uses clear text. All files can be replaced.
class CredentialStoreTest : public testing::Test {
 protected:
  CredentialStoreTest() {
    options_.upstream_ca_file = Put("ca", all_.ca.certificate_file);
    options_.listen = {{Transport::kDot, *Endpoint::Parse("127.0.0.1:0"), /*optional=*/false}};
    options_.listen_certificate_file = Put("listen.crt", all_.server.certificate_file);
    options_.listen_key_file = Put("listen.key", all_.server.key_file);
    options_.upstream.zones.resize(2);
    options_.upstream.zones[0].servers.resize(2);
    options_.upstream.zones[1].servers.resize(2);
    own().certificate_file = Put("own.crt", all_.client.certificate_file);
    own().key_file = Put("own.key", all_.client.key_file);
    own().pins_file = Write("pins", all_.server.spki_pin);
    options_.upstream.zones[1].servers[1].transport = Transport::kUdp;
  }

  UpstreamServerOptions& own() { return options_.upstream.zones[1].servers[0]; }

  std::string Put(const std::string& name, const std::string& from) {
    return directory_.Copy(name, from);
  }
  std::string Write(const std::string& name, const std::string& text) {
    return directory_.Write(name, text);
  }

  void Load() {
    auto loaded = CredentialStore::Load(options_);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    store_ = *std::move(loaded);
    before_ = store_->current();
  }
  // Returns the result of Refresh() and keeps its log in `log_`.
  CredentialChange Refresh() {
    testing::internal::CaptureStderr();
    const CredentialChange change = store_->Refresh();
    log_ = testing::internal::GetCapturedStderr();
    return change;
  }

  const TestCertificates& all_ = GetTestCertificates();
  const TestDirectory directory_;
  ServerOptions options_;
  std::unique_ptr<CredentialStore> store_;
  Credentials before_;
  std::string log_;
};

TEST_F(CredentialStoreTest, ServersWithTheSameFilesShareOneObject) {
  Load();
  ASSERT_EQ(before_.upstreams.size(), 4u);
  EXPECT_EQ(before_.upstreams[0], before_.upstreams[1]);
  EXPECT_NE(before_.upstreams[0], before_.upstreams[2]);
  EXPECT_TRUE(before_.upstreams[2]->has_certificate());
  EXPECT_EQ(before_.upstreams[2]->pins().size(), 1u);
  EXPECT_EQ(before_.upstreams[3], nullptr);
  EXPECT_NE(before_.listen, nullptr);
}

TEST_F(CredentialStoreTest, WithoutDotListenerThereAreNoListenerCredentials) {
  options_.listen.front().transport = Transport::kTcp;
  options_.listen_certificate_file = all_.missing_file;
  Load();
  EXPECT_EQ(before_.listen, nullptr);
}

TEST_F(CredentialStoreTest, AtStartABrokenFileIsAnError) {
  const ServerOptions good = options_;
  for (std::string UpstreamServerOptions::*file :
       {&UpstreamServerOptions::ca_file, &UpstreamServerOptions::certificate_file,
        &UpstreamServerOptions::key_file, &UpstreamServerOptions::pins_file}) {
    options_ = good;
    own().*file = all_.garbage_file;
    EXPECT_THAT(std::string(CredentialStore::Load(options_).status().message()),
                HasSubstr(all_.garbage_file));
  }
}

TEST_F(CredentialStoreTest, UnchangedFilesAreNotReadAgain) {
  Load();
  EXPECT_TRUE(Refresh().empty());
  EXPECT_EQ(store_->current().upstreams, before_.upstreams);
  EXPECT_EQ(log_, "");
  EXPECT_EQ(store_->reloads().value() + store_->failed_reloads().value(), 0u);
}

TEST_F(CredentialStoreTest, ChangedCaFileIsReadAgainForAllItsServers) {
  Load();
  Put("ca", all_.untrusted.certificate_file);
  const CredentialChange change = Refresh();
  EXPECT_THAT(change.upstreams, testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_FALSE(change.listen);
  EXPECT_NE(store_->current().upstreams[0], before_.upstreams[0]);
  EXPECT_EQ(store_->current().upstreams[0], store_->current().upstreams[1]);
  EXPECT_EQ(store_->current().upstreams[3], nullptr);
  EXPECT_EQ(store_->reloads().value(), 2u);
  EXPECT_THAT(log_,
              AllOf(HasSubstr("info credentials reloaded"), HasSubstr(options_.upstream_ca_file)));
}

TEST_F(CredentialStoreTest, FilesOfOneServerAffectOnlyThatServer) {
  Load();
  Write("pins", absl::StrCat(all_.server.spki_pin, "\n", all_.ca.spki_pin, "\n"));
  EXPECT_THAT(Refresh().upstreams, ElementsAre(2));
  EXPECT_EQ(store_->current().upstreams[2]->pins().size(), 2u);
  EXPECT_EQ(store_->current().upstreams[0], before_.upstreams[0]);
}

TEST_F(CredentialStoreTest, ChangedListenerCertificateAndKeyAreReadAgain) {
  Load();
  Put("listen.crt", all_.name_only.certificate_file);
  Put("listen.key", all_.name_only.key_file);
  const CredentialChange change = Refresh();
  EXPECT_TRUE(change.listen);
  EXPECT_THAT(change.upstreams, IsEmpty());
  EXPECT_NE(store_->current().listen, before_.listen);
}

// The store may check the files after one was written and before the other is.
TEST_F(CredentialStoreTest, NewCertificateIsNotUsedWithoutItsKey) {
  Load();
  Put("own.crt", all_.name_only.certificate_file);
  EXPECT_TRUE(Refresh().empty());
  EXPECT_EQ(store_->current().upstreams, before_.upstreams);
  EXPECT_THAT(log_, AllOf(HasSubstr("warning credentials not reloaded"),
                          HasSubstr("does not belong"), HasSubstr(own().key_file)));
  Put("own.key", all_.name_only.key_file);
  EXPECT_THAT(Refresh().upstreams, ElementsAre(2));
  EXPECT_NE(store_->current().upstreams[2], before_.upstreams[2]);
}

TEST_F(CredentialStoreTest, BrokenFileIsLoggedOncePerChange) {
  Load();
  fs::remove(own().pins_file);
  EXPECT_TRUE(Refresh().empty());
  EXPECT_THAT(log_, HasSubstr(own().pins_file));
  EXPECT_TRUE(Refresh().empty());
  EXPECT_EQ(log_, "");
  Write("pins", "sha256/half");
  EXPECT_TRUE(Refresh().empty());
  EXPECT_THAT(log_, HasSubstr("line 1"));
  EXPECT_TRUE(Refresh().empty());
  EXPECT_EQ(log_, "");
  EXPECT_EQ(store_->failed_reloads().value(), 2u);
  EXPECT_EQ(store_->current().upstreams, before_.upstreams);
  Write("pins", all_.server.spki_pin);
  EXPECT_THAT(Refresh().upstreams, ElementsAre(2));
  EXPECT_EQ(store_->reloads().value(), 1u);
}

TEST_F(CredentialStoreTest, FifoDoesNotBlockTheReload) {
  Load();
  const std::string fifo = directory_.Path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  fs::rename(fifo, directory_.Path("listen.key"));
  EXPECT_TRUE(Refresh().empty());
  EXPECT_THAT(log_, HasSubstr("listen.key is not a regular file"));
  EXPECT_EQ(store_->current().listen, before_.listen);
}

// A file that was half written when it was read may have the same stamp when it is complete.
TEST_F(CredentialStoreTest, FileThatCouldNotBeReadIsReadAgainWithoutAChange) {
  Load();
  const fs::path real = directory_.Path("elsewhere");
  fs::remove(own().pins_file);
  fs::create_symlink(real, own().pins_file);
  EXPECT_TRUE(Refresh().empty());
  std::ofstream(real) << all_.ca.spki_pin;
  EXPECT_THAT(Refresh().upstreams, ElementsAre(2));
}

}  // namespace
}  // namespace dotcache
