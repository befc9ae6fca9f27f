// SPDX-License-Identifier: Apache-2.0
// The cost of building a reply from a stored message, and of checking and storing a response.
#include <benchmark/benchmark.h>

#include <vector>

#include "dns/message_writer.h"
#include "dns/reply.h"
#include "dns/response.h"

namespace dotcache {
namespace {

const DomainName& Name() {
  static const auto* const name = new DomainName(DomainName::FromText("www.example.de").value());
  return *name;
}

Query Ask(QType qtype, bool edns) {
  Query query;
  query.id = 0x1234;
  query.qname = Name();
  query.question = {.qname = Name(), .qtype = qtype};
  query.edns.present = edns;
  query.edns.udp_payload_size = kOurUdpPayloadSize;
  return query;
}

constexpr MessageHeader kResponseHeader{.flags = kFlagQr | kFlagRd | kFlagRa};
const uint8_t kAddress[4] = {192, 0, 2, 1};

// Returns a response with `count` records of `rdata_size` octets of RDATA.
WireMessage Response(QType type, int count, size_t rdata_size) {
  WireMessage message(kMaxMessageSize);
  MessageWriter writer(absl::MakeSpan(message), kResponseHeader);
  writer.AddQuestion(Name(), type, QClass::kIn);
  WireMessage rdata(rdata_size, 'x');
  if (type == QType::kTxt) rdata[0] = static_cast<uint8_t>(rdata_size - 1);
  for (int i = 0; i < count; ++i) writer.AddAnswer(Name(), type, 300, rdata);
  message.resize(writer.size());
  return message;
}

// Returns a response with a CNAME, four A records and an OPT record.
WireMessage ChainResponse() {
  WireMessage message(kMaxMessageSize);
  MessageWriter writer(absl::MakeSpan(message), kResponseHeader);
  writer.AddQuestion(Name(), QType::kA, QClass::kIn);
  const DomainName target = DomainName::FromText("www.cdn.example.net").value();
  writer.AddAnswer(Name(), QType::kCname, 300, target.wire());
  for (int i = 0; i < 4; ++i) writer.AddAnswer(target, QType::kA, 60, kAddress);
  writer.AddOpt({}, kMaxMessageSize);
  message.resize(writer.size());
  return message;
}

void BuildReplyFrom(benchmark::State& state, const WireMessage& response, QType qtype,
                    uint32_t rotation_step = 0) {
  const Query query = Ask(qtype, /*edns=*/true);
  const auto facts = std::get<ResponseFacts>(InspectResponse(response, query.question));
  const StoredMessage stored = StoreResponse(response, facts, TtlCaps{});
  const StoredView view{stored.wire, stored.ttl_offsets};
  ReplyOptions options{.age = Seconds{7}};
  std::vector<uint8_t> out(kMaxMessageSize);
  size_t size = 0;
  for (auto _ : state) {
    options.rotation += rotation_step;
    size = BuildReply(query, view, options, absl::MakeSpan(out));
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.counters["stored_octets"] = static_cast<double>(stored.wire.size());
  state.counters["reply_octets"] = static_cast<double>(size);
}

void BM_BuildReplyOf62Octets(benchmark::State& state) {
  BuildReplyFrom(state, Response(QType::kA, 1, 4), QType::kA);
}
BENCHMARK(BM_BuildReplyOf62Octets);

void BM_BuildReplyOf1200Octets(benchmark::State& state) {
  BuildReplyFrom(state, Response(QType::kTxt, 8, 120), QType::kTxt);
}
BENCHMARK(BM_BuildReplyOf1200Octets);

// The difference of these two is the cost of rotation.
void BM_BuildReplyOfFourAddresses(benchmark::State& state) {
  BuildReplyFrom(state, ChainResponse(), QType::kA);
}
BENCHMARK(BM_BuildReplyOfFourAddresses);

void BM_BuildReplyOfFourAddressesRotated(benchmark::State& state) {
  BuildReplyFrom(state, ChainResponse(), QType::kA, /*rotation_step=*/0x9e3779b9);
}
BENCHMARK(BM_BuildReplyOfFourAddressesRotated);

void BM_InspectResponse(benchmark::State& state) {
  const WireMessage response = ChainResponse();
  const Question question = Ask(QType::kA, /*edns=*/true).question;
  for (auto _ : state) {
    auto outcome = InspectResponse(response, question);
    benchmark::DoNotOptimize(outcome);
  }
}
BENCHMARK(BM_InspectResponse);

void BM_StoreResponse(benchmark::State& state) {
  const WireMessage response = ChainResponse();
  const Question question = Ask(QType::kA, /*edns=*/true).question;
  const auto facts = std::get<ResponseFacts>(InspectResponse(response, question));
  for (auto _ : state) {
    StoredMessage stored = StoreResponse(response, facts, TtlCaps{});
    benchmark::DoNotOptimize(stored);
  }
}
BENCHMARK(BM_StoreResponse);

}  // namespace
}  // namespace dotcache
