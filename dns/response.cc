// SPDX-License-Identifier: Apache-2.0
#include "dns/response.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "dns/answer_chain.h"
#include "dns/extra_text.h"
#include "dns/message_header.h"
#include "dns/rdata.h"
#include "dns/response_rewrite.h"
#include "dns/response_walk.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

// The records of a response that are kept, by index.
using RecordSet = absl::InlinedVector<bool, 16>;

bool IsErrorRcode(Rcode rcode) { return rcode != Rcode::kNoError && rcode != Rcode::kNxDomain; }

// True for the header of an error response that contains no question and at most an OPT.
bool IsBareError(const MessageHeader& header) {
  return header.qdcount == 0 && header.ancount == 0 && header.nscount == 0 && header.arcount <= 1 &&
         IsErrorRcode(header.header_rcode());
}

// True when the zone contains the QNAME or the end of its chain (RFC 2308 section 3).
bool HoldsName(const DomainName& zone, const AnswerChain& chain, const Question& question) {
  return question.qname.IsAtOrBelow(zone) || chain.end().IsAtOrBelow(zone);
}

// Marks the records of the additional section whose owner is on the chain or is named in the RDATA
// of a kept record.
void KeepReferredTo(Bytes response, const ResponseRecords& records, const AnswerChain& chain,
                    RecordSet& kept) {
  if (records.empty() || records.back().section != Section::kAdditional) return;
  absl::flat_hash_set<size_t> names(chain.name_hashes().begin(), chain.name_hashes().end());
  std::vector<RdataName> named;
  for (size_t i = 0; i < records.size(); ++i) {
    const ResponseRecord& record = records[i];
    if (record.section == Section::kAdditional) kept[i] = names.contains(record.owner_hash);
    if (!kept[i]) continue;
    WireCursor rdata(response, record.rdata_begin, record.end);
    named.clear();
    ReadRdata(record.type, rdata, &named);
    for (const RdataName& found : named) {
      names.insert(HashName(found.ReadFrom(response).Canonical()));
    }
  }
}

// True for the authority records that concern this response: proofs of nonexistence (RFC 4035
// section 3.1.3) and, in a negative response, the SOA. NS records are removed. A resolver that
// trusted them could be led to wrong servers (RFC 2181 section 5.4.1).
bool StaysInAuthority(Bytes response, const ResponseRecord& record, const AnswerChain& chain,
                      const Question& question, bool negative) {
  switch (record.covered) {
    case QType::kNsec:
    case QType::kNsec3:
      return true;
    case QType::kSoa:
      return negative && HoldsName(OwnerName(response, record), chain, question);
    default:
      return false;
  }
}

// Selects the records to keep: those of the chain, and those of the other sections that belong to
// them.
RecordSet ChooseKept(Bytes response, const ResponseRecords& records, const AnswerChain& chain,
                     const Question& question, bool negative) {
  RecordSet kept(records.size(), false);
  for (size_t i = 0; i < records.size(); ++i) {
    const ResponseRecord& record = records[i];
    if (record.section == Section::kAnswer) kept[i] = chain.IsRelated(i);
    if (record.section == Section::kAuthority) {
      kept[i] = StaysInAuthority(response, record, chain, question, negative);
    }
  }
  KeepReferredTo(response, records, chain, kept);
  return kept;
}

// YXDOMAIN means that a DNAME turns the QNAME into a name that is too long (RFC 6672 section 2.2).
// That DNAME and its RRSIGs stay. It is above the QNAME, because a DNAME does not redirect its own
// owner (RFC 6672 section 2.3). Other errors keep no record.
RecordSet ChooseKeptOfError(Bytes response, const ResponseRecords& records,
                            const Question& question, Rcode rcode) {
  RecordSet kept(records.size(), false);
  if (rcode != Rcode::kYxDomain) return kept;
  for (size_t i = 0; i < records.size(); ++i) {
    if (records[i].section != Section::kAnswer || records[i].covered != QType::kDname) continue;
    const DomainName owner = OwnerName(response, records[i]);
    kept[i] = question.qname.IsAtOrBelow(owner) && !(question.qname == owner);
  }
  return kept;
}

ResponseKind NegativeKind(const ResponseRecords& records, const AnswerChain& chain, Rcode rcode) {
  if (rcode == Rcode::kNxDomain) return ResponseKind::kNxDomain;
  const auto has = [&records](QType type) {
    return std::any_of(records.begin(), records.end(), [type](const ResponseRecord& record) {
      return record.section == Section::kAuthority && record.type == type;
    });
  };
  const bool delegates = !chain.has_alias() && has(QType::kNs) && !has(QType::kSoa);
  return delegates ? ResponseKind::kReferral : ResponseKind::kNoData;
}

// Sets the facts that follow from the kept records.
void Keep(const ResponseRecords& records, size_t records_begin, ResponseFacts& facts) {
  facts.kept_size = static_cast<uint16_t>(records.empty() ? records_begin : records.back().end);
  for (const ResponseRecord& record : records) {
    facts.ttl_fields.push_back({static_cast<uint16_t>(record.ttl_offset()), record.ttl});
    switch (record.section) {
      case Section::kAnswer:
        ++facts.kept_ancount;
        facts.answer_ttl = std::min(facts.answer_ttl.value_or(record.ttl), record.ttl);
        break;
      case Section::kAuthority:
        ++facts.kept_nscount;
        break;
      case Section::kAdditional:
        ++facts.kept_arcount;
        break;
    }
  }
}

// Finds the SOA that sets the TTL of a negative response.
void FindSoa(Bytes response, const ResponseRecords& records, const AnswerChain& chain,
             const Question& question, ResponseFacts& facts) {
  for (size_t i = 0; i < records.size(); ++i) {
    const ResponseRecord& record = records[i];
    if (record.section != Section::kAuthority || record.type != QType::kSoa) continue;
    if (!HoldsName(OwnerName(response, record), chain, question)) continue;
    const uint32_t minimum = LoadU32(&response[record.end - size_t{4}]);
    facts.soa_ttl = std::min(record.ttl, minimum);
    facts.soa_field = static_cast<int>(i);
    return;
  }
}

// True when the kept records are the first ones.
bool IsPrefix(const RecordSet& kept) {
  const auto cut = std::find(kept.begin(), kept.end(), false);
  return std::find(cut, kept.end(), true) == kept.end();
}

// True when the kept records are the first ones and can be relayed octet by octet.
bool CanStay(const ResponseRecords& records, const RecordSet& kept) {
  const auto cut = std::find(kept.begin(), kept.end(), false);
  return IsPrefix(kept) &&
         std::none_of(records.begin(), records.begin() + (cut - kept.begin()),
                      [](const ResponseRecord& record) { return record.must_rewrite; });
}

// The kept records in the order in which they are relayed, for RewriteResponse().
std::vector<size_t> LayOut(const AnswerChain& chain, const RecordSet& kept) {
  std::vector<size_t> layout = chain.Layout();
  // Without a chain the message is an error, and the answer keeps its order.
  const size_t next = layout.empty() ? 0 : chain.record_count();
  for (size_t i = next; i < kept.size(); ++i) {
    if (kept[i]) layout.push_back(i);
  }
  return layout;
}

// Removes the records of the additional section from a layout.
void DropAdditional(const ResponseRecords& records, std::vector<size_t>& layout) {
  const auto is_additional = [&records](size_t item) {
    return item < records.size() && records[item].section == Section::kAdditional;
  };
  layout.erase(std::remove_if(layout.begin(), layout.end(), is_additional), layout.end());
}

std::variant<ResponseFacts, ResponseDefect> Inspect(Bytes response, const Question& question,
                                                    bool may_rewrite);

// The facts of `rewritten`, the kept part of a response, with the EDNS facts of the whole.
std::variant<ResponseFacts, ResponseDefect> InspectRewritten(std::optional<WireMessage> rewritten,
                                                             const Question& question,
                                                             const ResponseFacts& whole) {
  if (!rewritten.has_value()) return ResponseDefect::kNotAnAnswer;
  auto inspected = Inspect(*rewritten, question, /*may_rewrite=*/false);
  ResponseFacts* facts = std::get_if<ResponseFacts>(&inspected);
  if (facts == nullptr) return ResponseDefect::kNotAnAnswer;
  facts->edns = whole.edns;
  facts->extended_error = whole.extended_error;
  facts->rewritten = *std::move(rewritten);
  return inspected;
}

// Sets the kind of the response, and returns the records to keep. nullopt when the response does
// not answer the question.
std::optional<RecordSet> Judge(Bytes response, const Question& question,
                               const ResponseRecords& records, AnswerChain& chain,
                               ResponseFacts& facts) {
  if (IsErrorRcode(facts.rcode)) {
    facts.kind =
        facts.rcode == Rcode::kServFail ? ResponseKind::kServFail : ResponseKind::kOtherError;
    return ChooseKeptOfError(response, records, question, facts.rcode);
  }
  switch (chain.Follow()) {
    case AnswerChain::Outcome::kBroken:
      return std::nullopt;
    case AnswerChain::Outcome::kNameTooLong:
      facts.rcode = Rcode::kYxDomain;
      facts.kind = ResponseKind::kOtherError;
      return ChooseKept(response, records, chain, question, /*negative=*/false);
    case AnswerChain::Outcome::kComplete:
      break;
  }
  facts.has_alias = chain.has_alias();
  const bool answers = chain.found() || chain.has_alias() || chain.record_count() == 0;
  if (!answers) return std::nullopt;
  const bool positive = chain.found() && facts.rcode == Rcode::kNoError;
  facts.kind = positive ? ResponseKind::kAnswer : NegativeKind(records, chain, facts.rcode);
  if (facts.kind == ResponseKind::kReferral) return RecordSet(records.size(), false);
  return ChooseKept(response, records, chain, question, !positive);
}

std::variant<ResponseFacts, ResponseDefect> Inspect(Bytes response, const Question& question,
                                                    bool may_rewrite) {
  if (!BelongsToQuestion(response, question)) return ResponseDefect::kNotOurs;
  if (response.size() > kMaxMessageSize) return ResponseDefect::kMalformed;
  const bool has_question = LoadHeader(response).qdcount == 1;
  const size_t records_begin = kHeaderSize + (has_question ? question.wire_size() : 0);
  std::optional<WalkedResponse> walked = WalkResponse(response, records_begin);
  if (!walked.has_value()) return ResponseDefect::kMalformed;

  ResponseRecords& records = walked->records;
  ResponseFacts facts;
  facts.rcode = static_cast<Rcode>(walked->edns.extended_rcode << 4 |
                                   static_cast<int>(walked->header.header_rcode()));
  facts.truncated = walked->header.Has(kFlagTc);
  facts.edns = walked->edns;
  if (facts.edns.extended_error.has_value()) {
    facts.extended_error = {*facts.edns.extended_error, CleanExtraText(walked->extra_text)};
  }
  AnswerChain chain(response, records, question);
  const std::optional<RecordSet> kept = Judge(response, question, records, chain, facts);
  if (!kept.has_value()) return ResponseDefect::kNotAnAnswer;
  if (may_rewrite && (!CanStay(records, *kept) || !chain.InOrder())) {
    std::vector<size_t> layout = LayOut(chain, *kept);
    auto rewritten = RewriteResponse(response, records_begin, records, chain.synthesized(), layout);
    if (!rewritten.has_value()) {  // Over 65,535 octets with all names in full.
      DropAdditional(records, layout);
      rewritten = RewriteResponse(response, records_begin, records, chain.synthesized(), layout);
    }
    return InspectRewritten(std::move(rewritten), question, facts);
  }
  if (!IsPrefix(*kept)) return ResponseDefect::kNotAnAnswer;
  records.resize(static_cast<size_t>(std::find(kept->begin(), kept->end(), false) - kept->begin()));
  LowerToRrsetTtls(records);
  chain.AlignCnameTtls(records);
  Keep(records, records_begin, facts);
  if (!IsErrorRcode(facts.rcode)) FindSoa(response, records, chain, question, facts);
  return facts;
}

uint32_t ToTtl(Seconds seconds) {
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds.count(), 0, 0x7fffffff));
}

}  // namespace

bool BelongsToQuestion(Bytes response, const Question& question) {
  if (response.size() < kHeaderSize) return false;
  const MessageHeader header = LoadHeader(response);
  if (!header.Has(kFlagQr) || header.opcode() != Opcode::kQuery) return false;
  return IsBareError(header) || (header.qdcount == 1 && question.MatchesMessage(response));
}

std::variant<ResponseFacts, ResponseDefect> InspectResponse(Bytes response,
                                                            const Question& question) {
  return Inspect(response, question, /*may_rewrite=*/true);
}

StoredMessage StoreResponse(Bytes response, const ResponseFacts& facts, const TtlCaps& caps) {
  const MessageHeader received = LoadHeader(response);
  const bool expressible = static_cast<uint16_t>(facts.rcode) <= kRcodeMask;
  const Rcode rcode = expressible ? facts.rcode : Rcode::kServFail;
  MessageHeader header;
  header.flags = static_cast<uint16_t>(kFlagQr | kFlagRa | (received.flags & kFlagAd) |
                                       static_cast<uint16_t>(rcode));
  header.qdcount = received.qdcount;
  header.ancount = facts.kept_ancount;
  header.nscount = facts.kept_nscount;
  header.arcount = facts.kept_arcount;

  StoredMessage stored;
  if (!facts.rewritten.empty()) response = facts.rewritten;
  stored.wire.assign(response.begin(), response.begin() + facts.kept_size);
  StoreHeader(absl::MakeSpan(stored.wire), header);
  // Length octets are below 'A' and do not change.
  for (size_t i = kHeaderSize; i < stored.wire.size() && stored.wire[i] != 0; ++i) {
    stored.wire[i] = static_cast<uint8_t>(absl::ascii_tolower(stored.wire[i]));
  }
  const bool negative =
      facts.kind == ResponseKind::kNoData || facts.kind == ResponseKind::kNxDomain;
  const bool raised = facts.kind == ResponseKind::kAnswer && facts.answer_ttl.value_or(0) > 0;
  const uint32_t floor = raised ? ToTtl(caps.floor) : 0;
  for (size_t i = 0; i < facts.ttl_fields.size(); ++i) {
    const TtlField& field = facts.ttl_fields[i];
    uint32_t ttl = field.ttl == 0 ? 0 : std::max(field.ttl, floor);
    ttl = std::min(ttl, ToTtl(caps.positive));
    if (negative && static_cast<int>(i) == facts.soa_field) {
      ttl = std::min({ttl, *facts.soa_ttl, ToTtl(caps.negative)});
    }
    StoreU32(&stored.wire[field.offset], ttl);
    stored.ttl_offsets.push_back(field.offset);
  }
  return stored;
}

}  // namespace dotcache
