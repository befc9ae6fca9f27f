// SPDX-License-Identifier: Apache-2.0
// Feeds hostile messages of all kinds to the two parsers and measures the process's memory. After a
// warm-up it may grow by less than 1 MiB, for any number of messages. Not a Google Benchmark
// program.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

#include "bench/hostile_messages.h"
#include "bench/message_corpus.h"
#include "dns/error_reply.h"
#include "dns/query.h"
#include "dns/reply.h"
#include "dns/response.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

constexpr long kDefaultMessages = 1000000;
constexpr long kLimitKib = 1024;
// One message in this many is large. Large messages take about 100 times as long.
constexpr int kLargeEvery = 50;

long ResidentKib() {
  std::ifstream statm("/proc/self/statm");
  long all = 0, resident = 0;
  statm >> all >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

struct Tally {
  long queries = 0, responses = 0;  // Accepted messages.
};

void Feed(Bytes message, MutableBytes out, Tally& tally) {
  const auto parsed = ParseQuery(message);
  if (const auto* rejection = std::get_if<Rejection>(&parsed)) {
    if (rejection->reply) BuildErrorReply(message, *rejection, Transport::kUdp, out);
  } else {
    ++tally.queries;
  }
  WireCursor cursor(message, std::min(kHeaderSize, message.size()), message.size());
  Query query;
  query.qname = cursor.ReadName();
  const auto qtype = static_cast<QType>(cursor.ReadU16());
  query.question = {query.qname.Canonical(), qtype, static_cast<QClass>(cursor.ReadU16())};
  const auto outcome = InspectResponse(message, query.question);
  if (const auto* facts = std::get_if<ResponseFacts>(&outcome)) {
    ++tally.responses;
    const StoredMessage stored = StoreResponse(message, *facts, TtlCaps{});
    BuildReply(query, {stored.wire, stored.ttl_offsets}, {}, out);
  }
}

int Run(long count) {
  std::vector<HostileMessage> small = SmallHostileQueries();
  std::vector<HostileMessage> large = LargeHostileResponses();
  for (HostileMessage& message : LargeHostileQueries()) large.push_back(std::move(message));
  for (const char* corpus : {"query", "response"}) {
    for (HostileMessage& message : ReadCorpus(std::string(DOTCACHE_CORPORA) + "/" + corpus)) {
      (message.octets.size() > 4096 ? large : small).push_back(std::move(message));
    }
  }
  WireMessage out(kMaxMessageSize);
  Tally tally;
  std::mt19937_64 random(1);
  const auto feed = [&](long messages) {
    for (long i = 0; i < messages; ++i) {
      const auto& list = random() % kLargeEvery == 0 ? large : small;
      const HostileMessage& message = list[random() % list.size()];
      // Every second message is not mutated.
      if (i % 2 == 0) {
        Feed(message.octets, absl::MakeSpan(out), tally);
      } else {
        Feed(Mutate(message.octets, random()), absl::MakeSpan(out), tally);
      }
    }
  };
  feed(count / 10);
  const long before = ResidentKib();
  tally = {};
  feed(count);
  const long grown = ResidentKib() - before;
  std::printf(
      "%ld messages, %ld accepted as queries and %ld as responses: %ld KiB, grown by %ld KiB\n",
      count, tally.queries, tally.responses, before, grown);
  return grown < kLimitKib ? 0 : 1;
}

}  // namespace
}  // namespace dotcache

int main(int argc, char** argv) {
  return dotcache::Run(argc > 1 ? std::atol(argv[1]) : dotcache::kDefaultMessages);
}
