// SPDX-License-Identifier: Apache-2.0
// The CPU cost of the worst messages until they are rejected or accepted. The limits are 5 us for a
// query of 512 octets and 1 ms for a message of 64 KiB. The program fails if a message exceeds its
// limit.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "bench/hostile_messages.h"
#include "bench/message_corpus.h"
#include "dns/query.h"
#include "dns/response.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

constexpr double kSmallLimitMicroseconds = 5;
constexpr double kLargeLimitMicroseconds = 1000;
constexpr size_t kSmallSize = 512;
constexpr int kRepetitions = 3;  // The fastest counts. Other work on the machine slows the rest.
constexpr double kSecondsEach = 0.01;
constexpr int kMutationsOfEach = 1;

// Returns the question in a response, so that InspectResponse() accepts it.
Question QuestionOf(Bytes response) {
  WireCursor cursor(response, std::min(kHeaderSize, response.size()), response.size());
  Question question;
  question.qname = cursor.ReadName().Canonical();
  question.qtype = static_cast<QType>(cursor.ReadU16());
  question.qclass = static_cast<QClass>(cursor.ReadU16());
  return question;
}

class Judge : public benchmark::ConsoleReporter {
 public:
  // Prints every message if `all` is set.
  explicit Judge(bool all) : all_(all) {}

  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const double microseconds = run.GetAdjustedCPUTime() / 1000;
      const auto [known, is_new] = fastest_.try_emplace(run.run_name.function_name, microseconds);
      if (!is_new) known->second = std::min(known->second, microseconds);
    }
  }

  // Prints the most expensive message of each family ("family/message"), and every message over its
  // limit. Returns true if there is none.
  bool Passed() const {
    std::map<std::string, std::pair<double, std::string>> worst;
    int broken = 0;
    for (const auto& [name, microseconds] : fastest_) {
      if (all_) std::printf("%9.2f us  %s\n", microseconds, name.c_str());
      auto& entry = worst[name.substr(0, name.find('/'))];
      if (microseconds >= entry.first) entry = {microseconds, name};
      if (microseconds <= LimitOf(name)) continue;
      std::printf("OVER LIMIT: %s: %.2f us, limit %.0f us\n", name.c_str(), microseconds,
                  LimitOf(name));
      ++broken;
    }
    for (const auto& [family, entry] : worst) {
      std::printf("%-26s %9.2f us  %s\n", family.c_str(), entry.first, entry.second.c_str());
    }
    std::printf("%zu messages, %d over their limit\n", fastest_.size(), broken);
    return broken == 0;
  }

 private:
  static double LimitOf(const std::string& name) {
    return name.rfind("small-query", 0) == 0 ? kSmallLimitMicroseconds : kLargeLimitMicroseconds;
  }

  const bool all_;
  std::map<std::string, double> fastest_;
};

template <typename Function>
void Register(const std::string& family, const std::string& name, Function function) {
  benchmark::RegisterBenchmark((family + "/" + name).c_str(),
                               [function](benchmark::State& state) {
                                 for (auto _ : state) function();
                               })
      ->Repetitions(kRepetitions)
      ->MinTime(kSecondsEach);
}

void RegisterQuery(const std::string& family, const HostileMessage& message) {
  Register(family, message.name, [octets = message.octets] {
    auto result = ParseQuery(octets);
    benchmark::DoNotOptimize(result);
  });
}

void RegisterResponse(const std::string& family, const HostileMessage& message) {
  // The name says whether the message is accepted or at which defect it is rejected.
  const auto outcome = InspectResponse(message.octets, QuestionOf(message.octets));
  const absl::string_view result =
      std::holds_alternative<ResponseFacts>(outcome) ? "accepted" : "refused";
  Register(family, absl::StrCat(message.name, " (", result, ")"),
           [octets = message.octets, question = QuestionOf(message.octets)] {
             auto result = InspectResponse(octets, question);
             benchmark::DoNotOptimize(result);
           });
}

void RegisterAll(const std::string& corpora) {
  for (const HostileMessage& message : SmallHostileQueries()) {
    RegisterQuery("small-query", message);
  }
  for (const HostileMessage& message : LargeHostileQueries()) RegisterQuery("query", message);
  for (const HostileMessage& message : LargeHostileResponses()) {
    RegisterResponse("response", message);
  }
  for (const char* corpus : {"query", "response"}) {
    uint64_t seed = 0;
    for (const HostileMessage& message : ReadCorpus(corpora + "/" + corpus)) {
      for (int i = 0; i <= kMutationsOfEach; ++i) {
        const HostileMessage one{i == 0 ? message.name : message.name + "~" + std::to_string(i),
                                 i == 0 ? message.octets : Mutate(message.octets, ++seed)};
        const bool small = one.octets.size() <= kSmallSize;
        RegisterQuery(small ? "small-query-corpus" : "query-corpus", one);
        RegisterResponse(small ? "response-corpus-small" : "response-corpus", one);
      }
    }
  }
}

}  // namespace
}  // namespace dotcache

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const bool all = argc > 1 && std::strcmp(argv[1], "all") == 0;
  dotcache::RegisterAll(DOTCACHE_CORPORA);
  dotcache::Judge judge(all);
  benchmark::RunSpecifiedBenchmarks(&judge);
  return judge.Passed() ? 0 : 1;
}
