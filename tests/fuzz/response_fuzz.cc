// SPDX-License-Identifier: Apache-2.0
// Calls InspectResponse() on any octets, for the question that they hold. ldns must read each
// accepted response with the same records. A rewritten response must have no other records. The
// reply must be within its limits. ldns must read that reply with the same question and the same
// records.
#include "dns/ldns_ptr.h"
#include "dns/message_header.h"
#include "dns/reply.h"
#include "dns/response.h"
#include "dns/wire_cursor.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/ldns_differential.h"
#include "tests/fuzz/rewrite_check.h"

using namespace dotcache;  // NOLINT

namespace {

// A snapshot of the cache is validated like a response, so each stored response must pass again.
void CheckStoredIsStable(const StoredMessage& stored, const ResponseFacts& facts,
                         const Question& question) {
  const bool is_kept = facts.kind == ResponseKind::kAnswer ||
                       (facts.kind == ResponseKind::kNoData && facts.soa_ttl.has_value()) ||
                       (facts.kind == ResponseKind::kNxDomain && facts.soa_ttl.has_value());
  if (!is_kept || facts.truncated) return;
  const auto again = InspectResponse(stored.wire, question);
  FUZZ_CHECK(std::holds_alternative<ResponseFacts>(again));
  const auto& same = std::get<ResponseFacts>(again);
  FUZZ_CHECK(same.kind == facts.kind && same.has_alias == facts.has_alias);
  FUZZ_CHECK(same.rewritten.empty() && same.kept_size == stored.wire.size());
  // The TTL of a signature over the SOA may still become that of the SOA.
  FUZZ_CHECK(StoreResponse(stored.wire, same, TtlCaps{}).wire.size() == stored.wire.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes response(data, size);
  WireCursor cursor(response, kHeaderSize, size);
  Query query;
  query.qname = cursor.ReadName();
  const auto qtype = static_cast<QType>(cursor.ReadU16());
  query.question = {query.qname.Canonical(), qtype, static_cast<QClass>(cursor.ReadU16())};
  query.edns.present = size % 2 == 0;
  const auto outcome = InspectResponse(response, query.question);
  if (!std::holds_alternative<ResponseFacts>(outcome)) return 0;
  CheckResponseAgainstLdns(response, query.question);
  const auto& facts = std::get<ResponseFacts>(outcome);
  if (!facts.rewritten.empty()) CheckRewritten(response, facts, query.question);
  const StoredMessage stored = StoreResponse(response, facts, TtlCaps{});
  CheckStoredIsStable(stored, facts, query.question);
  WireMessage out(kMaxMessageSize);
  const ReplyOptions options{.transport = size % 3 == 0 ? Transport::kTcp : Transport::kUdp,
                             .age = Seconds{1}};
  const StoredView view{stored.wire, stored.ttl_offsets};
  out.resize(BuildReply(query, view, options, absl::MakeSpan(out)));
  FUZZ_CHECK(out.size() >= kHeaderSize && out.size() <= MaxReplySize(query, options));
  FUZZ_CHECK(query.question.MatchesMessage(out));

  const auto walked = WalkResponse(out, kHeaderSize + query.question.wire_size());
  FUZZ_CHECK(LoadHeader(out).qdcount == 0 || walked.has_value());
  if (!walked.has_value() || !LdnsKnowsAllForms(walked->records)) return 0;
  ldns_pkt* raw = nullptr;
  FUZZ_CHECK(ldns_wire2pkt(&raw, out.data(), out.size()) == LDNS_STATUS_OK);
  const LdnsPkt owner(raw);
  const MessageHeader kept = LoadHeader(out);
  FUZZ_CHECK(ldns_rr_list_rr_count(ldns_pkt_answer(raw)) == kept.ancount);
  FUZZ_CHECK(ldns_rr_list_rr_count(ldns_pkt_authority(raw)) == kept.nscount);
  FUZZ_CHECK(ldns_rr_list_rr_count(ldns_pkt_additional(raw)) + query.edns.present == kept.arcount);
  FUZZ_CHECK(kept.Has(kFlagTc) || kept.ancount == LoadHeader(stored.wire).ancount);
  return 0;
}
