// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/rewrite_check.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <variant>

#include "dns/message_header.h"
#include "dns/rdata.h"
#include "dns/response_walk.h"
#include "dns/wire_cursor.h"
#include "tests/fuzz/fuzz_target.h"

namespace dotcache {
namespace {

// Section, owner, type, TTL, RDATA; names in lower case and in full.
using Content = std::tuple<Section, WireMessage, QType, uint32_t, WireMessage>;

void Append(Bytes octets, WireMessage& out) { out.insert(out.end(), octets.begin(), octets.end()); }

WireMessage OctetsOf(const DomainName& name) {
  const DomainName canonical = name.Canonical();
  return WireMessage(canonical.wire().begin(), canonical.wire().end());
}

Content ContentOf(Bytes message, const ResponseRecord& record) {
  WireCursor cursor(message, record.rdata_begin, record.end);
  std::vector<RdataName> names;
  ReadRdata(record.type, cursor, &names);
  WireMessage rdata;
  size_t at = record.rdata_begin;
  for (const RdataName& found : names) {
    Append(message.subspan(at, found.begin - at), rdata);
    Append(OctetsOf(found.ReadFrom(message)), rdata);
    at = found.end;
  }
  Append(message.subspan(at, record.end - at), rdata);
  return {record.section, OctetsOf(OwnerName(message, record)), record.type,
          LoadU32(&message[record.ttl_offset()]), rdata};
}

// True when a DNAME of the answer makes the target of this CNAME from its owner.
bool IsImplied(Bytes message, const ResponseRecord& cname, const ResponseRecords& records) {
  if (cname.type != QType::kCname) return false;
  const DomainName owner = OwnerName(message, cname);
  const DomainName target = TargetName(message, cname);
  return std::any_of(records.begin(), records.end(), [&](const ResponseRecord& dname) {
    const DomainName above = OwnerName(message, dname);
    if (dname.type != QType::kDname || above == owner || !owner.IsAtOrBelow(above)) return false;
    WireMessage made = OctetsOf(owner);
    made.resize(made.size() - above.size());
    Append(OctetsOf(TargetName(message, dname)), made);
    return made == OctetsOf(target) &&
           LoadU32(&message[cname.ttl_offset()]) == LoadU32(&message[dname.ttl_offset()]);
  });
}

ResponseRecords RecordsOf(Bytes message, const Question& question) {
  const bool has_question = LoadHeader(message).qdcount == 1;
  const auto walked =
      WalkResponse(message, kHeaderSize + (has_question ? question.wire_size() : 0));
  FUZZ_CHECK(walked.has_value());
  return walked->records;
}

}  // namespace

void CheckRewritten(Bytes response, const ResponseFacts& facts, const Question& question) {
  const Bytes rewritten = facts.rewritten;
  const auto again = InspectResponse(rewritten, question);
  FUZZ_CHECK(std::holds_alternative<ResponseFacts>(again));
  const auto& same = std::get<ResponseFacts>(again);
  FUZZ_CHECK(same.rewritten.empty() && same.kind == facts.kind);
  FUZZ_CHECK(same.answer_ttl == facts.answer_ttl && same.soa_ttl == facts.soa_ttl);

  std::map<Content, int> left;
  for (const ResponseRecord& record : RecordsOf(response, question)) {
    ++left[ContentOf(response, record)];
  }
  const ResponseRecords records = RecordsOf(rewritten, question);
  for (const ResponseRecord& record : records) {
    FUZZ_CHECK(--left[ContentOf(rewritten, record)] >= 0 || IsImplied(rewritten, record, records));
  }
}

}  // namespace dotcache
