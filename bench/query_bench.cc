// SPDX-License-Identifier: Apache-2.0
// The cost of parsing a client's query, of rejecting it, and of building the query to an upstream
// server.
#include <string>

#include "benchmark/benchmark.h"
#include "dns/ldns_ptr.h"
#include "dns/message_writer.h"
#include "dns/outgoing_query.h"
#include "dns/query.h"

namespace dotcache {
namespace {

const char kName[] = "www.example.com";

WireMessage MakeMessage(absl::string_view qname, bool edns) {
  WireMessage message(512);
  MessageWriter writer(MutableBytes(message), {.id = 1, .flags = kFlagRd});
  writer.AddQuestion(DomainName::FromText(qname).value(), QType::kA, QClass::kIn);
  if (edns) writer.AddOpt(OptToWrite{.keepalive = true}, message.size());
  message.resize(writer.size());
  return message;
}

void Parse(benchmark::State& state, Bytes message) {
  for (auto _ : state) {
    std::variant<Query, Rejection> result = ParseQuery(message);
    benchmark::DoNotOptimize(result);
  }
}

void BM_ParsePlain(benchmark::State& state) { Parse(state, MakeMessage(kName, false)); }
BENCHMARK(BM_ParsePlain);

void BM_ParseEdns(benchmark::State& state) { Parse(state, MakeMessage(kName, true)); }
BENCHMARK(BM_ParseEdns);

void BM_ParseLongestName(benchmark::State& state) {
  std::string qname;
  for (int labels = 0; labels < 127; ++labels) qname += "A.";
  Parse(state, MakeMessage(qname, true));
}
BENCHMARK(BM_ParseLongestName);

void BM_RejectPointerLoop(benchmark::State& state) {
  WireMessage message = MakeMessage(".", false);
  message[kHeaderSize] = 0xc0;
  message.insert(message.begin() + kHeaderSize + 1, kHeaderSize);
  Parse(state, message);
}
BENCHMARK(BM_RejectPointerLoop);

void BM_Reject65535Octets(benchmark::State& state) {
  WireMessage message = MakeMessage(kName, true);
  message.resize(kMaxMessageSize);
  Parse(state, message);
}
BENCHMARK(BM_Reject65535Octets);

// For comparison: ldns alone parses the same message, without our checks.
void BM_LdnsWholePacket(benchmark::State& state) {
  const WireMessage message = MakeMessage(kName, true);
  for (auto _ : state) {
    ldns_pkt* raw = nullptr;
    ldns_wire2pkt(&raw, message.data(), message.size());
    const LdnsPkt pkt(raw);
  }
}
BENCHMARK(BM_LdnsWholePacket);

void BM_Canonical(benchmark::State& state) {
  const DomainName name = DomainName::FromText(std::string(state.range(0), 'A')).value();
  for (auto _ : state) {
    DomainName canonical = name.Canonical();
    benchmark::DoNotOptimize(canonical);
  }
}
BENCHMARK(BM_Canonical)->Arg(7)->Arg(15)->Arg(31)->Arg(63);

void BM_BuildUpstreamQuery(benchmark::State& state) {
  const UpstreamQuery query{
      .question = {.qname = DomainName::FromText(kName).value(), .qtype = QType::kA}};
  WireMessage out(kMaxUpstreamQuerySize);
  for (auto _ : state) {
    benchmark::DoNotOptimize(BuildUpstreamQuery(query, 1, {}, MutableBytes(out)));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_BuildUpstreamQuery);

}  // namespace
}  // namespace dotcache
