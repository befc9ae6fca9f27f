#include "dns/response.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "dns/message_header.h"
#include "dns/rdata.h"
#include "dns/response_walk.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

constexpr size_t kMaxChainLinks = 32;  // CNAMEs and DNAMEs from the QNAME to the data.

bool IsErrorRcode(Rcode rcode) { return rcode != Rcode::kNoError && rcode != Rcode::kNxDomain; }

// True when the header of an error response announces nothing but an OPT at most.
bool IsBareError(const MessageHeader& header) {
  return header.qdcount == 0 && header.ancount == 0 && header.nscount == 0 && header.arcount <= 1 &&
         IsErrorRcode(header.header_rcode());
}

// What the answer section says about the question: where the aliases lead, and which records take
// part. It is read like a resolver reads it (RFC 1034 section 5.3.3, RFC 6672 section 3.2), from
// name to name, until there is data of the asked type or no further alias. Names are matched by
// hash: a false match, were it possible to bring about, would only relay what the upstream server
// could as well have said of the right name.
class AnswerChain {
 public:
  AnswerChain(Bytes response, const ResponseRecords& records, const Question& question)
      : response_(response), records_(records), question_(question), end_(question.qname) {
    while (count_ < records.size() && records[count_].section == Section::kAnswer) ++count_;
    related_.resize(count_, false);
  }

  // Follows the chain. False when it has a loop, is too long or contradicts itself.
  bool Follow();

  size_t record_count() const { return count_; }  // Of the answer section.
  bool found() const { return found_; }           // There is data of the asked type.
  bool has_alias() const { return name_hashes_.size() > 1; }
  const DomainName& end() const { return end_; }  // Canonical.
  const absl::InlinedVector<size_t, 4>& name_hashes() const { return name_hashes_; }

  // How many records there are before the first foreign one; nullopt when one that takes part
  // comes after that.
  std::optional<size_t> RelatedPrefix() const;

 private:
  bool IsAsked(QType type) const {
    return type == question_.qtype || question_.qtype == QType::kAny;
  }

  // Marks what end_ owns of the asked type and of CNAME. Returns the index of its CNAME, or count_.
  size_t ReadRecordsOfEnd();

  // What the DNAME above end_ makes of it, if there is one. False when that is no name, or when
  // there are more DNAMEs than a chain can use.
  bool Substitute(std::optional<DomainName>& substituted);

  const Bytes response_;
  const ResponseRecords& records_;
  const Question& question_;
  DomainName end_;
  size_t count_ = 0;
  absl::InlinedVector<bool, 16> related_;  // By index into records_.
  absl::InlinedVector<size_t, 4> name_hashes_;
  bool found_ = false;
};

bool AnswerChain::Follow() {
  while (name_hashes_.size() <= kMaxChainLinks) {
    name_hashes_.push_back(HashName(end_));
    const size_t cname = ReadRecordsOfEnd();
    // A CNAME that was asked for still comes with the DNAME that it is made of.
    if (found_ && cname == count_) return true;
    std::optional<DomainName> substituted;
    if (!Substitute(substituted)) return false;
    if (cname == count_ && !substituted.has_value()) return true;
    const DomainName next = cname == count_ ? *substituted : TargetName(response_, records_[cname]);
    // A CNAME below a DNAME is that DNAME written out (RFC 6672 section 3.1).
    if (substituted.has_value() && !(*substituted == next)) return false;
    if (found_) return true;
    end_ = next;
  }
  return false;
}

size_t AnswerChain::ReadRecordsOfEnd() {
  size_t cname = count_;
  for (size_t i = 0; i < count_; ++i) {
    const ResponseRecord& record = records_[i];
    if (record.owner_hash != name_hashes_.back()) continue;
    if (IsAsked(record.type)) found_ = true;
    if (record.type == QType::kCname && cname == count_) cname = i;
    if (IsAsked(record.type) || IsAsked(record.covered) || record.covered == QType::kCname) {
      related_[i] = true;
    }
  }
  return cname;
}

bool AnswerChain::Substitute(std::optional<DomainName>& substituted) {
  size_t dnames = 0;
  for (size_t i = 0; i < count_; ++i) {
    const ResponseRecord& record = records_[i];
    if (record.covered != QType::kDname) continue;
    if (++dnames > kMaxChainLinks) return false;
    const DomainName owner = OwnerName(response_, record);
    if (owner == end_ || !end_.IsAtOrBelow(owner)) continue;
    related_[i] = true;
    if (record.type != QType::kDname || substituted.has_value()) continue;
    const DomainName target = TargetName(response_, record);
    const Bytes prefix = end_.wire().first(end_.size() - owner.size());
    if (prefix.size() + target.size() > kMaxNameSize) return false;
    std::vector<uint8_t> octets(prefix.begin(), prefix.end());
    octets.insert(octets.end(), target.wire().begin(), target.wire().end());
    substituted = DomainName::FromValidatedWire(octets);
  }
  return true;
}

std::optional<size_t> AnswerChain::RelatedPrefix() const {
  const auto foreign = std::find(related_.begin(), related_.end(), false);
  if (std::find(foreign, related_.end(), true) != related_.end()) return std::nullopt;
  return static_cast<size_t>(foreign - related_.begin());
}

// How many records there are before the first of the additional section whose owner is neither on
// the chain nor named in the RDATA of a record before it.
size_t CountReferredTo(Bytes response, const ResponseRecords& records, const AnswerChain& chain) {
  if (records.empty() || records.back().section != Section::kAdditional) return records.size();
  absl::flat_hash_set<size_t> names(chain.name_hashes().begin(), chain.name_hashes().end());
  std::vector<DomainName> named;
  for (size_t i = 0; i < records.size(); ++i) {
    const ResponseRecord& record = records[i];
    if (record.section == Section::kAdditional && !names.contains(record.owner_hash)) return i;
    WireCursor rdata(response, record.rdata_begin, record.end);
    named.clear();
    ReadRdata(record.type, rdata, &named);
    for (const DomainName& name : named) names.insert(HashName(name.Canonical()));
  }
  return records.size();
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

// Fills in what follows from the records that are kept.
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

// Finds the SOA that says how long a negative response holds.
void FindSoa(Bytes response, const ResponseRecords& records, const AnswerChain& chain,
             const Question& question, ResponseFacts& facts) {
  for (size_t i = 0; i < records.size(); ++i) {
    const ResponseRecord& record = records[i];
    if (record.section != Section::kAuthority || record.type != QType::kSoa) continue;
    const DomainName owner = OwnerName(response, record);
    if (!question.qname.IsAtOrBelow(owner) && !chain.end().IsAtOrBelow(owner)) continue;
    const uint32_t minimum = LoadU32(&response[record.end - size_t{4}]);
    facts.soa_ttl = std::min(record.ttl, minimum);
    facts.soa_field = static_cast<int>(i);
    return;
  }
}

uint32_t ToTtl(Seconds seconds) {
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds.count(), 0, 0x7fffffff));
}

}  // namespace

absl::string_view ResponseDefectName(ResponseDefect defect) {
  switch (defect) {
    case ResponseDefect::kNotOurs:
      return "not ours";
    case ResponseDefect::kMalformed:
      return "malformed";
    case ResponseDefect::kNotAnAnswer:
      return "not an answer";
  }
  return "unknown";
}

bool BelongsToQuestion(Bytes response, const Question& question) {
  if (response.size() < kHeaderSize) return false;
  const MessageHeader header = LoadHeader(response);
  if (!header.Has(kFlagQr) || header.opcode() != Opcode::kQuery) return false;
  return IsBareError(header) || (header.qdcount == 1 && question.MatchesMessage(response));
}

std::variant<ResponseFacts, ResponseDefect> InspectResponse(Bytes response,
                                                            const Question& question) {
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
  if (IsErrorRcode(facts.rcode)) {
    facts.kind =
        facts.rcode == Rcode::kServFail ? ResponseKind::kServFail : ResponseKind::kOtherError;
    LowerToRrsetTtls(records);
    Keep(records, records_begin, facts);
    return facts;
  }

  AnswerChain chain(response, records, question);
  if (!chain.Follow()) return ResponseDefect::kNotAnAnswer;
  const std::optional<size_t> related = chain.RelatedPrefix();
  const bool answers = chain.found() || chain.has_alias() || chain.record_count() == 0;
  if (!related.has_value() || !answers) return ResponseDefect::kNotAnAnswer;
  facts.kind = chain.found() && facts.rcode == Rcode::kNoError
                   ? ResponseKind::kAnswer
                   : NegativeKind(records, chain, facts.rcode);
  records.resize(*related < chain.record_count() ? *related
                                                 : CountReferredTo(response, records, chain));
  LowerToRrsetTtls(records);
  Keep(records, records_begin, facts);
  FindSoa(response, records, chain, question, facts);
  return facts;
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
  stored.wire.assign(response.begin(), response.begin() + facts.kept_size);
  StoreHeader(absl::MakeSpan(stored.wire), header);
  // Length octets are below 'A' and stay as they are.
  for (size_t i = kHeaderSize; i < stored.wire.size() && stored.wire[i] != 0; ++i) {
    stored.wire[i] = static_cast<uint8_t>(absl::ascii_tolower(stored.wire[i]));
  }
  const bool negative =
      facts.kind == ResponseKind::kNoData || facts.kind == ResponseKind::kNxDomain;
  for (size_t i = 0; i < facts.ttl_fields.size(); ++i) {
    const TtlField& field = facts.ttl_fields[i];
    uint32_t ttl = std::min(field.ttl, ToTtl(caps.positive));
    if (negative && static_cast<int>(i) == facts.soa_field) {
      ttl = std::min({ttl, *facts.soa_ttl, ToTtl(caps.negative)});
    }
    StoreU32(&stored.wire[field.offset], ttl);
    stored.ttl_offsets.push_back(field.offset);
  }
  return stored;
}

}  // namespace dotcache
