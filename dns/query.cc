// SPDX-License-Identifier: Apache-2.0
#include "dns/query.h"

#include <algorithm>
#include <array>

#include "dns/extra_records.h"
#include "dns/ldns_ptr.h"
#include "dns/tsig.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

// The longest name and many options need far less.
constexpr size_t kMaxQuerySize = 4096;

// Size of the uncompressed name at the front of `octets`. Returns 0 if the name is truncated, is
// longer than 255 octets, or has a pointer or a reserved label type.
size_t UncompressedNameSize(Bytes octets) {
  const size_t limit = std::min(octets.size(), kMaxNameSize);
  size_t at = 0;
  while (at < limit && octets[at] <= kMaxLabelSize) {
    if (octets[at] == 0) return at + 1;
    at += octets[at] + 1u;
  }
  return 0;
}

// Turns one message into a Query. Each step returns false after it has set a rejection.
//
// The steps before ReadQname() are the structural gate. They only compare numbers. A message that
// passes has one name without pointers and at most one OPT record. Without the gate, ldns would
// follow up to 65,535 pointers, allocate memory without a limit, and accept trailing octets.
class QueryReader {
 public:
  QueryReader(Bytes message, Query& query) : message_(message), query_(query) {}

  bool Read() {
    const bool accepted =
        ReadHeader() && FindQuestion() && FindOpt() && ReadQname() && ReadOpt() && CheckQuestion();
    if (!accepted && rejection_.reply) ReadExtraRecords();
    return accepted;
  }
  const Rejection& rejection() const { return rejection_; }

 private:
  bool ReadHeader();
  bool FindQuestion();
  bool RejectOpcode();
  bool FindOpt();
  bool CheckAdditional(size_t owner_size, size_t record_at, bool last);
  void ReadExtraRecords();
  bool ReadQname();
  bool ReadOpt();
  bool CheckQuestion();

  bool Drop(RejectionReason reason);
  bool Reject(RejectionReason reason, Rcode rcode = Rcode::kFormErr);

  const uint8_t* At(size_t offset) const { return message_.data() + offset; }

  const Bytes message_;
  Query& query_;
  Rejection rejection_;
  size_t qname_size_ = 0;
  size_t opt_at_ = 0;   // Offset of the OPT record's TYPE. 0: no OPT.
  size_t opt_end_ = 0;  // End of its RDATA.
};

bool QueryReader::Drop(RejectionReason reason) {
  rejection_.reason = reason;
  return false;
}

bool QueryReader::Reject(RejectionReason reason, Rcode rcode) {
  rejection_.reason = reason;
  rejection_.reply = true;
  rejection_.rcode = rcode;
  return false;
}

bool QueryReader::ReadHeader() {
  if (message_.size() < kHeaderSize) return Drop(RejectionReason::kTooShort);
  if (LDNS_QR_WIRE(At(0)) != 0) return Drop(RejectionReason::kIsResponse);
  query_.id = LDNS_ID_WIRE(At(0));
  query_.recursion_desired = LDNS_RD_WIRE(At(0)) != 0;
  query_.authentic_data = LDNS_AD_WIRE(At(0)) != 0;
  query_.checking_disabled = LDNS_CD_WIRE(At(0)) != 0;
  return true;
}

bool QueryReader::FindQuestion() {
  const bool one_question = LDNS_QDCOUNT(At(0)) == 1;
  if (one_question) {
    qname_size_ = UncompressedNameSize(message_.subspan(kHeaderSize));
    const size_t question_size = qname_size_ + kQuestionFixedSize;
    if (qname_size_ > 0 && message_.size() - kHeaderSize >= question_size) {
      rejection_.question_size = static_cast<uint16_t>(question_size);
    }
  }
  if (LDNS_OPCODE_WIRE(At(0)) != LDNS_PACKET_QUERY) return RejectOpcode();
  query_.has_question = LDNS_QDCOUNT(At(0)) != 0;
  if (query_.has_question && !one_question) return Reject(RejectionReason::kQuestionCount);
  if (one_question && rejection_.question_size == 0) return Reject(RejectionReason::kBadQuestion);
  if (message_.size() > kMaxQuerySize) return Reject(RejectionReason::kTrailingOctets);
  if (!query_.has_question) return true;
  const uint8_t* qtype = At(kHeaderSize + qname_size_);
  query_.question.qtype = static_cast<QType>(ldns_read_uint16(qtype));
  query_.question.qclass = static_cast<QClass>(ldns_read_uint16(qtype + 2));
  return true;
}

// NOTIFY and UPDATE concern a zone. This server is authoritative for no zone, so the reply is
// NOTAUTH (RFC 1996 section 3.10, RFC 2136 section 3.1.1). Without a readable question it is
// FORMERR. Other opcodes get NOTIMP.
bool QueryReader::RejectOpcode() {
  const auto opcode = static_cast<Opcode>(LDNS_OPCODE_WIRE(At(0)));
  const bool about_a_zone = opcode == Opcode::kNotify || opcode == Opcode::kUpdate;
  if (!about_a_zone) return Reject(RejectionReason::kOpcode, Rcode::kNotImp);
  return Reject(RejectionReason::kOpcode,
                rejection_.question_size > 0 ? Rcode::kNotAuth : Rcode::kFormErr);
}

bool QueryReader::FindOpt() {
  if (LDNS_ANCOUNT(At(0)) != 0 || LDNS_NSCOUNT(At(0)) != 0) {
    // An IXFR query has the client's SOA in the authority section (RFC 1995 section 3).
    if (query_.question.qtype == QType::kIxfr) {
      return Reject(RejectionReason::kZoneTransfer, Rcode::kNotImp);
    }
    return Reject(RejectionReason::kUnexpectedRecords);
  }
  size_t at = kHeaderSize + rejection_.question_size;
  for (int left = LDNS_ARCOUNT(At(0)); left > 0; --left) {
    const size_t owner_size = UncompressedNameSize(message_.subspan(at));
    // The owner of a TSIG may be compressed. The owner of an OPT has no label.
    if (owner_size == 0 && left == 1 && ReadTsig(message_, at).has_value()) {
      return Reject(RejectionReason::kTransaction, Rcode::kNotAuth);
    }
    const size_t record_at = at + owner_size;
    if (owner_size == 0 || message_.size() - record_at < kRecordFixedSize) {
      return Reject(RejectionReason::kUnexpectedRecords);
    }
    if (!CheckAdditional(owner_size, record_at, left == 1)) return false;
    at = opt_end_;
  }
  return at == message_.size() || Reject(RejectionReason::kTrailingOctets);
}

// Checks one record of the additional section. Only the first OPT passes.
bool QueryReader::CheckAdditional(size_t owner_size, size_t record_at, bool last) {
  const size_t end = record_at + kRecordFixedSize + ldns_read_uint16(At(record_at + 8));
  switch (static_cast<QType>(ldns_read_uint16(At(record_at)))) {
    case QType::kOpt:
      if (owner_size != 1 || opt_at_ != 0 || end > message_.size()) {
        return Reject(RejectionReason::kBadEdns);
      }
      opt_at_ = record_at;
      opt_end_ = end;
      return true;
    case QType::kTsig:  // TSIG must be the last record (RFC 8945 sections 5.1, 5.2).
      return Reject(RejectionReason::kTransaction,
                    last && ReadTsig(message_, record_at - owner_size).has_value()
                        ? Rcode::kNotAuth
                        : Rcode::kFormErr);
    case QType::kSig:  // A server without SIG(0) replies FORMERR (RFC 2931).
      return Reject(RejectionReason::kTransaction);
    default:
      return Reject(RejectionReason::kUnexpectedRecords);
  }
}

// An error reply has an OPT if the query has one (RFC 6891 section 6.1.1). This server has no TSIG
// keys, so NOTAUTH to a signed message also says BADKEY (RFC 8945 section 5.2.1).
void QueryReader::ReadExtraRecords() {
  const ExtraRecords extra = FindExtraRecords(message_);
  if (extra.edns.has_value()) {
    rejection_.has_edns = true;
    rejection_.dnssec_ok = extra.edns->dnssec_ok;
    rejection_.has_padding = extra.edns->has_padding;
  }
  if (rejection_.rcode == Rcode::kNotAuth && extra.tsig_at.has_value() &&
      ReadTsig(message_, *extra.tsig_at).has_value()) {
    rejection_.tsig_at = static_cast<uint16_t>(*extra.tsig_at);
  }
}

bool QueryReader::ReadQname() {
  if (!query_.has_question) return true;
  ldns_rdf* raw = nullptr;
  size_t position = kHeaderSize;
  const ldns_status status = ldns_wire2dname(&raw, At(0), message_.size(), &position);
  const LdnsRdf qname(raw);
  if (status != LDNS_STATUS_OK || position != kHeaderSize + qname_size_ ||
      ldns_rdf_size(raw) != qname_size_) {
    return Reject(RejectionReason::kBadQuestion);
  }
  query_.qname = DomainName::FromValidatedWire(Bytes(ldns_rdf_data(raw), qname_size_));
  query_.question.qname = query_.qname.Canonical();
  return true;
}

bool QueryReader::ReadOpt() {
  if (opt_at_ == 0) return true;
  const uint16_t klass = ldns_read_uint16(At(opt_at_ + 2));
  const uint32_t ttl = ldns_read_uint32(At(opt_at_ + 4));
  const bool version_0 = (ttl & 0x00ff0000) == 0;
  // Another EDNS version may define another format of options.
  if (!version_0) return Reject(RejectionReason::kEdnsVersion, Rcode::kBadVers);
  LdnsRrShell shell(LDNS_RR_TYPE_OPT);
  size_t position = opt_at_ + 8;
  const ldns_status status = ldns_wire2rdf(shell.get(), At(0), message_.size(), &position);
  if (status != LDNS_STATUS_OK || position != opt_end_) return Reject(RejectionReason::kBadEdns);
  const ldns_rdf* options = ldns_rr_rdf(shell.get(), 0);  // Null when RDLENGTH is 0.
  const Bytes rdata =
      options == nullptr ? Bytes() : Bytes(ldns_rdf_data(options), ldns_rdf_size(options));
  const std::optional<EdnsInfo> edns = ParseOpt(klass, ttl, rdata, EdnsSender::kClient);
  if (!edns.has_value()) return Reject(RejectionReason::kBadEdns);
  query_.edns = *edns;
  return true;
}

bool QueryReader::CheckQuestion() {
  if (!query_.has_question) {
    return query_.edns.cookie.size > 0 || Reject(RejectionReason::kQuestionCount);
  }
  switch (query_.question.qclass) {
    case QClass::kIn:
    case QClass::kChaos:
      break;
    case QClass::kHesiod:
      return Reject(RejectionReason::kClass, Rcode::kRefused);
    case QClass::kNone:
    case QClass::kAny:
      return Reject(RejectionReason::kClass);
    default:
      return Reject(RejectionReason::kClass,
                    query_.question.qclass == QClass{0} ? Rcode::kFormErr : Rcode::kNotImp);
  }
  switch (query_.question.qtype) {
    case QType::kAxfr:
    case QType::kIxfr:
      return Reject(RejectionReason::kZoneTransfer, Rcode::kNotImp);
    case QType::kMaila:
    case QType::kMailb:
      return Reject(RejectionReason::kMetaType, Rcode::kNotImp);
    case QType::kNone:
    case QType::kOpt:
    case QType::kTkey:
    case QType::kTsig:
      return Reject(RejectionReason::kMetaType);
    default:
      return true;
  }
}

}  // namespace

absl::string_view RejectionReasonName(RejectionReason reason) {
  constexpr std::array<absl::string_view, kRejectionReasonCount> kNames = {
      "too_short",    "is_response",        "opcode",          "question_count",
      "bad_question", "unexpected_records", "trailing_octets", "bad_edns",
      "edns_version", "transaction",        "zone_transfer",   "meta_type",
      "class",        "no_cookie",          "bad_cookie",      "reply_rate"};
  return kNames[static_cast<size_t>(reason)];
}

std::variant<Query, Rejection> ParseQuery(Bytes message) {
  std::variant<Query, Rejection> result;
  QueryReader reader(message, std::get<Query>(result));
  if (reader.Read()) {
    std::get<Query>(result).message_size = static_cast<uint16_t>(message.size());
  } else {
    result = reader.rejection();
  }
  return result;
}

Rejection RejectionOf(const Query& query, RejectionReason reason, Rcode rcode) {
  Rejection rejection;
  rejection.reason = reason;
  rejection.reply = true;
  rejection.rcode = rcode;
  if (query.has_question) {
    rejection.question_size = static_cast<uint16_t>(query.question.wire_size());
  }
  rejection.has_edns = query.edns.present;
  rejection.dnssec_ok = query.edns.dnssec_ok;
  rejection.has_padding = query.edns.has_padding;
  return rejection;
}

}  // namespace dotcache
