// SPDX-License-Identifier: Apache-2.0
#include "local/local_data.h"

#include <sys/stat.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/parsed_message.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LocalDataTest : public testing::Test {
 protected:
  void WriteHosts(const std::string& content) {
    const std::string name = absl::StrCat("hosts", options_.hosts_files.size());
    options_.hosts_files.push_back(directory_.Write(name, content));
  }
  void Load() {
    loaded_ = LoadLocalData(options_);
    for (const LocalDataError& error : loaded_.errors) {
      std::string place = error.place;
      for (size_t i = 0; i < options_.hosts_files.size(); ++i) {
        place = absl::StrReplaceAll(place, {{options_.hosts_files[i], absl::StrCat("HOSTS", i)}});
      }
      errors_.push_back(absl::StrCat(place, "|", error.record, "|", error.message));
    }
  }
  std::vector<std::string> Answer(absl::string_view name, QType qtype = QType::kA) {
    if (loaded_.records == nullptr) return {"no records"};
    const auto message = loaded_.records->Answer({*DomainName::FromText(name), qtype, QClass::kIn});
    if (!message.has_value()) return {"not here"};
    return ParsedMessage::Parse(message->wire).answer;
  }

  const TestDirectory directory_;
  LocalDataOptions options_;
  LoadedLocalData loaded_;
  std::vector<std::string> errors_;
};

TEST_F(LocalDataTest, EmptyConfigurationGivesNoRecords) {
  Load();
  EXPECT_EQ(loaded_.records, nullptr);
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(LocalDataTest, ACancelledLoadGivesNoRecords) {
  const std::atomic<bool> cancelled{true};
  options_.cancelled = &cancelled;
  WriteHosts("192.0.2.1 a.example\n192.0.2.2 b.example\n");
  Load();
  EXPECT_THAT(errors_, ElementsAre("HOSTS0|-1|the load was cancelled"));
  EXPECT_EQ(loaded_.records, nullptr);
}

TEST_F(LocalDataTest, HostsFileGivesAddressesAndPtrs) {
  WriteHosts(
      "127.0.0.1\tlocalhost\n"
      "127.0.1.1\tmyhost.example myhost\n"
      "\n"
      "# The following lines are desirable for IPv6 capable hosts\n"
      "::1     localhost ip6-localhost ip6-loopback\n"
      "ff02::1 ip6-allnodes\n"
      "fe80::1%eth0 scoped\n"
      "10.0.0.7 printer.corp.example printer\n"
      "10.0.0.7 lp.corp.example\r\n"
      "10.0.0.8 printer.corp.example");
  Load();
  ASSERT_THAT(errors_, IsEmpty());
  EXPECT_THAT(Answer("localhost"), ElementsAre("localhost. 60 IN A 127.0.0.1"));
  EXPECT_THAT(Answer("localhost", QType::kAaaa), ElementsAre("localhost. 60 IN AAAA ::1"));
  EXPECT_THAT(Answer("printer.corp.example"),
              ElementsAre("printer.corp.example. 60 IN A 10.0.0.7",
                          "printer.corp.example. 60 IN A 10.0.0.8"));
  EXPECT_THAT(Answer("printer"), ElementsAre("printer. 60 IN A 10.0.0.7"));
  EXPECT_THAT(Answer("lp.corp.example"), ElementsAre("lp.corp.example. 60 IN A 10.0.0.7"));
  EXPECT_THAT(Answer("7.0.0.10.in-addr.arpa", QType::kPtr),
              ElementsAre("7.0.0.10.in-addr.arpa. 60 IN PTR printer.corp.example."));
  EXPECT_THAT(Answer("1.1.0.127.in-addr.arpa", QType::kPtr),
              ElementsAre("1.1.0.127.in-addr.arpa. 60 IN PTR myhost.example."));
  EXPECT_THAT(Answer("scoped"), ElementsAre("not here"));
}

// A hosts file names addresses only, so it does not say which other records a name has.
TEST_F(LocalDataTest, NamesOfAHostsFileAreAnsweredForAddressesAndPtrOnly) {
  WriteHosts("192.0.2.7 host.example alias.example\n0.0.0.0 blocked.example\n");
  options_.records = {"alias.example. TXT text"};
  Load();
  for (const char* name : {"host.example", "blocked.example", "7.2.0.192.in-addr.arpa"}) {
    for (const QType qtype : {QType::kA, QType::kAaaa, QType::kHttps, QType::kSvcb, QType::kPtr}) {
      EXPECT_NE(Answer(name, qtype), std::vector<std::string>{"not here"}) << name;
    }
    for (const QType qtype :
         {QType::kMx, QType::kTxt, QType::kSoa, QType::kNs, QType::kDs, QType{257}, QType{65280}}) {
      EXPECT_THAT(Answer(name, qtype), ElementsAre("not here")) << name;
    }
  }
  EXPECT_THAT(Answer("host.example", QType::kHttps), IsEmpty());  // NODATA.
  EXPECT_THAT(Answer("alias.example", QType::kMx), IsEmpty());    // Has a configured record.
}

TEST_F(LocalDataTest, ConfiguredAddressesBesideThoseOfAHostsFileAnswerEveryType) {
  WriteHosts("192.0.2.7 host.example\n");
  options_.records = {"host.example. A 192.0.2.8"};
  Load();
  EXPECT_THAT(Answer("host.example", QType::kMx), IsEmpty());
}

TEST_F(LocalDataTest, UnspecifiedAddressesOfBlockListsGetNoPtr) {
  WriteHosts("0.0.0.0 ads.example\n:: ads.example\n");
  Load();
  EXPECT_THAT(Answer("ads.example"), ElementsAre("ads.example. 60 IN A 0.0.0.0"));
  EXPECT_THAT(Answer("ads.example", QType::kAaaa), ElementsAre("ads.example. 60 IN AAAA ::"));
  EXPECT_THAT(Answer("0.0.0.0.in-addr.arpa", QType::kPtr), ElementsAre("not here"));
}

TEST_F(LocalDataTest, FilesAndTextsAreCombined) {
  WriteHosts("10.0.0.7 host.example\n");
  WriteHosts("10.0.0.8 host.example\n10.0.0.7 other.example\n");
  options_.records = {"host.example. TXT x", "www.example. CNAME host.example.",
                      "8.0.0.10.in-addr.arpa. 5 PTR eight.example."};
  options_.ttl = Seconds(300);
  Load();
  ASSERT_THAT(errors_, IsEmpty());
  EXPECT_THAT(Answer("www.example"),
              ElementsAre("www.example. 300 IN CNAME host.example.",
                          "host.example. 300 IN A 10.0.0.7", "host.example. 300 IN A 10.0.0.8"));
  EXPECT_THAT(Answer("7.0.0.10.in-addr.arpa", QType::kPtr),
              ElementsAre("7.0.0.10.in-addr.arpa. 300 IN PTR host.example."));
  EXPECT_THAT(Answer("8.0.0.10.in-addr.arpa", QType::kPtr),
              ElementsAre("8.0.0.10.in-addr.arpa. 5 IN PTR eight.example."));
}

// RFC 2317 delegates ranges of addresses with such CNAMEs.
TEST_F(LocalDataTest, ConfiguredCnameReplacesThePtrOfAHostsFile) {
  WriteHosts("10.0.0.7 host.example\n");
  options_.records = {"7.0.0.10.in-addr.arpa. CNAME 7.0-15.0.0.10.in-addr.arpa.",
                      "7.0-15.0.0.10.in-addr.arpa. PTR seven.example."};
  Load();
  ASSERT_THAT(errors_, IsEmpty());
  EXPECT_THAT(Answer("7.0.0.10.in-addr.arpa", QType::kPtr),
              ElementsAre("7.0.0.10.in-addr.arpa. 60 IN CNAME 7.0-15.0.0.10.in-addr.arpa.",
                          "7.0-15.0.0.10.in-addr.arpa. 60 IN PTR seven.example."));
  EXPECT_THAT(Answer("host.example"), ElementsAre("host.example. 60 IN A 10.0.0.7"));
}

TEST_F(LocalDataTest, EveryErrorNamesItsPlace) {
  WriteHosts("10.0.0.7 a.example\n10.0.0.300 b.example\n\nc.example\n");
  WriteHosts("10.0.0.9\n");
  options_.records = {"a.example. A 10.0.0.1", "a.example. A ten", "x.example. CNAME x.example."};
  Load();
  EXPECT_EQ(loaded_.records, nullptr);
  EXPECT_THAT(errors_, ElementsAre(HasSubstr("|1|\"a.example. A ten\" is not a record"),
                                   HasSubstr("HOSTS0:2|-1|\"10.0.0.300\" is not an IP address"),
                                   HasSubstr("HOSTS0:4|-1|\"c.example\" is not an IP address"),
                                   HasSubstr("HOSTS1:1|-1|\"10.0.0.9\" has no name after it"),
                                   HasSubstr("|-1|x.example. is a CNAME in a loop")));
}

TEST_F(LocalDataTest, UnreadableFilesAreNamed) {
  options_.hosts_files = {"/nonexistent/hosts", "/", "/dev/zero"};
  loaded_ = LoadLocalData(options_);
  ASSERT_EQ(loaded_.errors.size(), 3u);
  EXPECT_EQ(loaded_.errors[0].place, "/nonexistent/hosts");
  EXPECT_THAT(loaded_.errors[0].message, HasSubstr("cannot be read: No such file"));
  EXPECT_THAT(loaded_.errors[1].message, HasSubstr("is not a regular file"));
  EXPECT_THAT(loaded_.errors[2].message, HasSubstr("is not a regular file"));
}

TEST_F(LocalDataTest, FifoIsRejectedWithoutWaitingForAWriter) {
  const std::string fifo = directory_.Path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  options_.hosts_files = {fifo};
  Load();
  EXPECT_THAT(errors_, ElementsAre("HOSTS0|-1|is not a regular file"));
}

TEST_F(LocalDataTest, LoadingStopsAfterTwentyErrors) {
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "not a hosts file\n";
  WriteHosts(lines);
  Load();
  EXPECT_EQ(errors_.size(), 20u);
}

}  // namespace
}  // namespace dotcache
