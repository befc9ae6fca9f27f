// SPDX-License-Identifier: Apache-2.0
#include "cmd/config_check.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "net/listen_socket.h"
#include "net/outgoing_socket.h"
#include "tests/cmd/config_test_support.h"
#include "tests/support/test_certificates.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The errors that CheckOnMachine() finds. REQUIRES: LoadConfig() finds none.
std::vector<std::string> MachineErrors(const std::string& yaml) {
  const LoadedConfig loaded = LoadYaml(yaml);
  EXPECT_THAT(ErrorTexts(loaded), IsEmpty());
  std::vector<std::string> texts;
  for (const ConfigError& error : CheckOnMachine(loaded, /*bind=*/true))
    texts.push_back(error.ToString());
  return texts;
}

// The admin address is off, and the trust store is the one of the tests.
std::string Base() {
  return absl::StrCat("admin: off\nupstream-ca: ", GetTestCertificates().ca.certificate_file, "\n");
}

TEST(ConfigCheckTest, AGoodConfigurationHasNoErrors) {
  EXPECT_THAT(MachineErrors(Base() + "listen: [127.0.0.1:0]\n"), IsEmpty());
}

TEST(ConfigCheckTest, APortInUseIsReportedWithItsLine) {
  const auto taken = BindTcp(*Endpoint::Parse("127.0.0.1:0", 1));
  ASSERT_TRUE(taken.ok()) << taken.status();
  const std::string endpoint = LocalEndpoint(taken->get()).ToString();
  EXPECT_THAT(MachineErrors(Base() + "listen:\n  - 127.0.0.1:0\n  - tcp://" + endpoint + "\n"),
              ElementsAre(testing::AllOf(HasSubstr(":5: listen: "), HasSubstr(endpoint))));
}

TEST(ConfigCheckTest, APortInUseIsNoErrorWithoutBinding) {
  const auto taken = BindTcp(*Endpoint::Parse("127.0.0.1:0", 1));
  ASSERT_TRUE(taken.ok()) << taken.status();
  const std::string endpoint = LocalEndpoint(taken->get()).ToString();
  const LoadedConfig loaded = LoadYaml(Base() + "listen: [tcp://" + endpoint + "]\n");
  EXPECT_THAT(CheckOnMachine(loaded, /*bind=*/false), IsEmpty());
  EXPECT_THAT(MachineErrors(Base() + "reuse-port: on\nlisten: [tcp://" + endpoint + "]\n"),
              IsEmpty());
}

// The second step skips only what the first one could not read.
TEST(ConfigCheckTest, ErrorsOfTheReadingDoNotHideErrorsOfTheMachine) {
  const LoadedConfig loaded = LoadYaml(
      "admin: off\nlisten: [nowhere]\nworkers: 0\nupstream-ca: /nonexistent.pem\n"
      "cookie-secret-file: /none\n");
  EXPECT_EQ(loaded.errors.size(), 2u);
  std::vector<std::string> texts;
  for (const ConfigError& error : CheckOnMachine(loaded, /*bind=*/true)) {
    texts.push_back(error.ToString());
  }
  EXPECT_THAT(texts, ElementsAre(HasSubstr("/nonexistent.pem"), HasSubstr("/none")));
}

TEST(ConfigCheckTest, ErrorsInServersSkipTheChecksOfServers) {
  const LoadedConfig loaded = LoadYaml(
      "admin: off\nlisten: [127.0.0.1:0]\nupstream: [{addresses: 192.0.2.1, nam: x}]\n"
      "cookie-secret-file: /none\n");
  EXPECT_FALSE(loaded.errors.empty());
  EXPECT_EQ(CheckOnMachine(loaded, /*bind=*/true).size(), 1u);
}

TEST(ConfigCheckTest, ATlsListenerNeedsCertificateAndKey) {
  EXPECT_THAT(MachineErrors(Base() + "listen: [\"tls://127.0.0.1:0\"]\n"),
              ElementsAre(HasSubstr("needs `listen-cert` and `listen-key`")));
}

TEST(ConfigCheckTest, UnreadableFilesAreNamed) {
  EXPECT_THAT(
      MachineErrors("admin: off\nlisten: [127.0.0.1:0]\nupstream-ca: /nonexistent.pem\n"),
      ElementsAre(testing::AllOf(HasSubstr(":3: upstream-ca: "), HasSubstr("/nonexistent.pem"))));
  EXPECT_THAT(
      MachineErrors(Base() + "listen: [\"tls://127.0.0.1:0\"]\n"
                             "listen-cert: /nonexistent.crt\nlisten-key: /nonexistent.key\n"),
      ElementsAre(HasSubstr("/nonexistent.crt")));
  EXPECT_THAT(MachineErrors(Base() + "listen: [127.0.0.1:0]\n"
                                     "upstream:\n  - {addresses: 192.0.2.1, ca: /none.pem}\n"),
              ElementsAre(HasSubstr("ca: ")));
}

TEST(ConfigCheckTest, AFifoIsAnError) {
  const TestDirectory directory;
  const std::string fifo = directory.Path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const TestCertificates& all = GetTestCertificates();
  const std::string listen = "listen: [\"tls://127.0.0.1:0\"]\nlisten-cert: ";
  const std::string servers = "listen: [127.0.0.1:0]\nupstream:\n  - {addresses: 192.0.2.1, ";
  for (const std::string& yaml :
       {"admin: off\nlisten: [127.0.0.1:0]\nupstream-ca: " + fifo + "\n",
        Base() + listen + fifo + "\nlisten-key: " + all.server.key_file + "\n",
        Base() + listen + all.server.certificate_file + "\nlisten-key: " + fifo + "\n",
        Base() + servers + "ca: " + fifo + "}\n",
        Base() + servers + "cert: " + all.client.certificate_file + ", key: " + fifo + "}\n",
        Base() + servers + "pins-file: " + fifo + "}\n"}) {
    EXPECT_THAT(MachineErrors(yaml), ElementsAre(HasSubstr(fifo + " is not a regular file")))
        << yaml;
  }
  std::filesystem::remove(fifo);
}

TEST(ConfigCheckTest, FilesOfAnUpstreamServerAreReadAndMustMatch) {
  const TestCertificates& all = GetTestCertificates();
  const auto errors = [](const std::string& keys) {
    return MachineErrors(Base() + "listen: [127.0.0.1:0]\nupstream:\n" +
                         "  - {addresses: [192.0.2.1, 192.0.2.2], " + keys + "}\n");
  };
  EXPECT_THAT(errors("cert: " + all.client.certificate_file + ", key: " + all.client.key_file),
              IsEmpty());
  EXPECT_THAT(errors("cert: " + all.client.certificate_file + ", key: " + all.server.key_file),
              ElementsAre(testing::AllOf(HasSubstr(":5: cert: "), HasSubstr("does not belong"))));
  EXPECT_THAT(errors("cert: /none.pem, key: " + all.client.key_file),
              ElementsAre(testing::AllOf(HasSubstr(":5: cert: "), HasSubstr("/none.pem"))));
  EXPECT_THAT(errors("pins-file: /none.pins"),
              ElementsAre(testing::AllOf(HasSubstr(":5: pins-file: "), HasSubstr("/none.pins"))));
}

TEST(ConfigCheckTest, AnErrorInASecretFileDoesNotShowTheSecret) {
  const auto errors = [](const std::string& file) {
    return MachineErrors(Base() + "listen: [127.0.0.1:0]\ncookie-secret-file: " + file + "\n");
  };
  EXPECT_THAT(errors("/nonexistent.secret"),
              ElementsAre(testing::AllOf(HasSubstr(":4: cookie-secret-file: "),
                                         HasSubstr("/nonexistent.secret"))));
  const TestDirectory directory;
  const std::string file = directory.Path("secret");
  std::ofstream(file) << "00112233445566778899aabbccddee\n";
  EXPECT_THAT(errors(file), ElementsAre(testing::AllOf(HasSubstr("line 1 is not a secret"),
                                                       testing::Not(HasSubstr("0011")))));
  std::ofstream(file) << "00112233445566778899aabbccddeeff\n";
  EXPECT_THAT(errors(file), IsEmpty());
}

TEST(ConfigCheckTest, ASourceMustBeAnAddressOfThisMachine) {
  const std::string base = Base() + "listen: [127.0.0.1:0]\n";
  EXPECT_THAT(MachineErrors(base + "upstream-source: [127.0.0.9]\n"), IsEmpty());
  EXPECT_THAT(MachineErrors(base + "upstream-source:\n  - 192.0.2.9\n"),
              ElementsAre(HasSubstr(":5: upstream-source: this machine does not have 192.0.2.9")));
}

TEST(ConfigCheckTest, AMarkNeedsAPrivilege) {
  const auto errors = MachineErrors(Base() + "listen: [127.0.0.1:0]\nupstream-mark: 7\n");
  if (CheckMark(7).ok()) {
    EXPECT_THAT(errors, IsEmpty());
  } else {
    EXPECT_THAT(errors, ElementsAre(HasSubstr(":4: upstream-mark: needs CAP_NET_ADMIN")));
  }
  EXPECT_THAT(MachineErrors(Base() + "listen: [127.0.0.1:0]\nupstream-mark: 0\n"), IsEmpty());
}

TEST(ConfigCheckTest, ListenersAndAdminMustNotConflict) {
  EXPECT_THAT(MachineErrors(Base() + "listen: [127.0.0.1:15398, \"0.0.0.0:15398\"]\n"),
              testing::Each(HasSubstr("0.0.0.0:15398 conflicts with `listen` 127.0.0.1:15398")));
  const std::string trust = "upstream-ca: " + GetTestCertificates().ca.certificate_file + "\n";
  EXPECT_THAT(MachineErrors(trust + "admin: 127.0.0.1:15398\nlisten: [127.0.0.1:15398]\n"),
              ElementsAre(HasSubstr(":2: admin: 127.0.0.1:15398 conflicts with `listen`")));
}

TEST(ConfigCheckTest, ADotServerMayShareThePortOfAUdpListener) {
  EXPECT_THAT(MachineErrors(Base() + "listen: [\"udp://127.0.0.1:15396\"]\n"
                                     "upstream: [tls://127.0.0.1:15396#dns.example]\n"),
              IsEmpty());
}

TEST(ConfigCheckTest, AClassicServerThatIsAnOwnListenerIsAnError) {
  const auto errors = [](const std::string& listen, const std::string& server) {
    return MachineErrors(Base() + "listen: [\"" + listen + "\"]\nzones:\n" +
                         "  - {zone: corp.example, upstream: \"" + server + "\"}\n");
  };
  EXPECT_THAT(
      errors("udp://127.0.0.1:15397", "udp://127.0.0.1:15397"),
      ElementsAre(HasSubstr(":5: upstream: 127.0.0.1:15397 is this program's own listener")));
  EXPECT_THAT(errors("tcp://0.0.0.0:15397", "udp://127.0.0.1:15397"), testing::SizeIs(1));
  EXPECT_THAT(errors("tcp://127.0.0.1:15397", "tcp://127.0.0.1:15397"), testing::SizeIs(1));
  EXPECT_THAT(errors("udp://127.0.0.1:15397", "tcp://127.0.0.1:15397"), IsEmpty());
}

TEST(ConfigCheckTest, ABootstrapServerThatIsAnOwnListenerIsAnError) {
  EXPECT_THAT(MachineErrors(Base() + "listen: [127.0.0.1:15401]\n"
                                     "bootstrap: [udp://127.0.0.1:15401]\n"),
              ElementsAre(HasSubstr("bootstrap: 127.0.0.1:15401 is this program's own listener")));
}

TEST(ConfigCheckTest, ADotServerThatIsAnOwnListenerIsAnError) {
  const auto errors = [](const std::string& listen) {
    return MachineErrors(Base() + "upstream: [tls://127.0.0.1:15399#dns.example]\n" + listen);
  };
  EXPECT_THAT(errors("listen: [127.0.0.1:15399]\n"),
              ElementsAre(HasSubstr("127.0.0.1:15399 is this program's own listener")));
  EXPECT_THAT(errors("listen: [\"0.0.0.0:15399\"]\n"),
              ElementsAre(HasSubstr("own listener 0.0.0.0:15399")));
}

TEST(ConfigCheckTest, CacheThatDoesNotFitIntoMemoryIsAWarning) {
  const auto warnings = [](const std::string& yaml, uint64_t mib) {
    std::vector<std::string> texts;
    const MachineLimits machine{.memory_bytes = mib << 20, .memory_is_of_group = true};
    for (const ConfigError& warning : WarnOfMemory(LoadYaml(yaml), machine)) {
      texts.push_back(warning.ToString());
    }
    return texts;
  };
  EXPECT_THAT(
      warnings("cache-size: 64MiB\n", 64),
      ElementsAre(HasSubstr("warning: 64 MiB and about 32 MiB for everything else do not fit "
                            "into 64 MiB, which is the memory limit of the control group")));
  EXPECT_THAT(warnings("cache-size: 32MiB\n", 64), IsEmpty());
  EXPECT_THAT(warnings("cache-size: 0\n", 16), IsEmpty());
}

}  // namespace
}  // namespace dotcache
