// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/ldns_differential.h"

#include <algorithm>

#include "dns/ldns_ptr.h"
#include "dns/message_header.h"
#include "dns/rdata.h"
#include "dns/response_walk.h"
#include "dns/wire_cursor.h"
#include "tests/fuzz/fuzz_target.h"

namespace dotcache {
namespace {

Bytes DataOf(const ldns_rdf* rdf) {
  return rdf == nullptr ? Bytes() : Bytes(ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

// Null when ldns does not accept the message.
LdnsPkt Parse(Bytes message) {
  ldns_pkt* raw = nullptr;
  const ldns_status status = ldns_wire2pkt(&raw, message.data(), message.size());
  LdnsPkt pkt(raw);
  if (status != LDNS_STATUS_OK) pkt.reset();
  return pkt;
}

// True for types whose names ldns keeps as octets: A6, IPSECKEY, AMTRELAY and later ones.
bool KeepsNamesAsOctets(const ldns_rr* rr) {
  for (size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
    if (ldns_rdf_get_type(ldns_rr_rdf(rr, i)) == LDNS_RDF_TYPE_DNAME) return false;
  }
  return true;
}

// RDATA as ldns keeps it: names are written out, all else is as it came.
WireMessage WrittenOut(Bytes message, const ResponseRecord& record, const ldns_rr* theirs) {
  WireCursor cursor(message, record.rdata_begin, record.end);
  std::vector<RdataName> names;
  if (!KeepsNamesAsOctets(theirs)) ReadRdata(record.type, cursor, &names);
  WireMessage octets;
  const auto append = [&octets](Bytes part) {
    octets.insert(octets.end(), part.begin(), part.end());
  };
  size_t at = record.rdata_begin;
  for (const RdataName& found : names) {
    append(message.subspan(at, found.begin - at));
    append(found.ReadFrom(message).wire());
    at = found.end;
  }
  append(message.subspan(at, record.end - at));
  return octets;
}

void CheckRecord(Bytes message, const ResponseRecord& record, const ldns_rr* theirs) {
  FUZZ_CHECK(OwnerName(message, record) ==
             DomainName::FromValidatedWire(DataOf(ldns_rr_owner(theirs))).Canonical());
  FUZZ_CHECK(static_cast<int>(record.type) == ldns_rr_get_type(theirs));
  FUZZ_CHECK(ldns_rr_get_class(theirs) == LDNS_RR_CLASS_IN);
  const uint32_t ttl = ldns_rr_ttl(theirs);
  FUZZ_CHECK(record.ttl == (ttl > 0x7fffffff ? 0 : ttl));
  FUZZ_CHECK(ttl == LoadU32(&message[record.ttl_offset()]));
  WireMessage rdata;
  for (size_t i = 0; i < ldns_rr_rd_count(theirs); ++i) {
    const Bytes field = DataOf(ldns_rr_rdf(theirs, i));
    rdata.insert(rdata.end(), field.begin(), field.end());
  }
  FUZZ_CHECK(rdata == WrittenOut(message, record, theirs));
}

const ldns_rr_list* SectionOf(const ldns_pkt* pkt, Section section) {
  return section == Section::kAnswer      ? ldns_pkt_answer(pkt)
         : section == Section::kAuthority ? ldns_pkt_authority(pkt)
                                          : ldns_pkt_additional(pkt);
}

}  // namespace

void CheckQueryAgainstLdns(const Query& query, Bytes message) {
  const LdnsPkt pkt = Parse(message);
  FUZZ_CHECK(pkt != nullptr);
  FUZZ_CHECK(query.id == ldns_pkt_id(pkt.get()));
  FUZZ_CHECK(ldns_pkt_get_opcode(pkt.get()) == LDNS_PACKET_QUERY && !ldns_pkt_qr(pkt.get()));
  FUZZ_CHECK(query.recursion_desired == ldns_pkt_rd(pkt.get()));
  FUZZ_CHECK(query.authentic_data == ldns_pkt_ad(pkt.get()));
  FUZZ_CHECK(query.checking_disabled == ldns_pkt_cd(pkt.get()));
  FUZZ_CHECK(query.edns.present == (LoadHeader(message).arcount == 1));
  FUZZ_CHECK(query.edns.dnssec_ok == ldns_pkt_edns_do(pkt.get()));
  FUZZ_CHECK(query.edns.version == ldns_pkt_edns_version(pkt.get()));
  FUZZ_CHECK(query.edns.udp_payload_size ==
             std::max<int>(kMinUdpPayloadSize, ldns_pkt_edns_udp_size(pkt.get())));
  if (query.edns.present)
    CheckOptionsAgainstLdns(query.edns, DataOf(ldns_pkt_edns_data(pkt.get())));

  FUZZ_CHECK(query.has_question == (ldns_pkt_qdcount(pkt.get()) == 1));
  FUZZ_CHECK(query.has_question || query.edns.cookie.size > 0);
  if (!query.has_question) return;
  const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(pkt.get()), 0);
  FUZZ_CHECK(query.qname.wire() == DataOf(ldns_rr_owner(question)));
  FUZZ_CHECK(query.question.MatchesMessage(message));
  FUZZ_CHECK(static_cast<int>(query.question.qtype) == ldns_rr_get_type(question));
  FUZZ_CHECK(static_cast<int>(query.question.qclass) == ldns_rr_get_class(question));
}

void CheckResponseAgainstLdns(Bytes response, const Question& question) {
  if (response.size() > kMaxDifferentialSize) return;
  const bool has_question = LoadHeader(response).qdcount == 1;
  const auto walked =
      WalkResponse(response, kHeaderSize + (has_question ? question.wire_size() : 0));
  FUZZ_CHECK(walked.has_value());
  if (!LdnsKnowsAllForms(walked->records)) return;
  const LdnsPkt pkt = Parse(response);
  if (pkt == nullptr) return;
  size_t index = 0;
  Section section = Section::kAnswer;
  for (const ResponseRecord& record : walked->records) {
    if (record.section != section) index = 0;
    section = record.section;
    const ldns_rr_list* list = SectionOf(pkt.get(), section);
    FUZZ_CHECK(index < ldns_rr_list_rr_count(list));
    CheckRecord(response, record, ldns_rr_list_rr(list, index++));
  }
  const size_t records = walked->records.size();
  const bool listed_all = !walked->edns.present && ldns_pkt_tsig(pkt.get()) == nullptr;
  FUZZ_CHECK(!listed_all || records == ldns_rr_list_rr_count(ldns_pkt_answer(pkt.get())) +
                                           ldns_rr_list_rr_count(ldns_pkt_authority(pkt.get())) +
                                           ldns_rr_list_rr_count(ldns_pkt_additional(pkt.get())));
  FUZZ_CHECK(walked->edns.dnssec_ok == ldns_pkt_edns_do(pkt.get()));
  FUZZ_CHECK(walked->edns.extended_rcode == ldns_pkt_edns_extended_rcode(pkt.get()));
}

bool LdnsKnowsAllForms(const ResponseRecords& records) {
  return std::all_of(records.begin(), records.end(),
                     [](const ResponseRecord& record) { return LdnsKnowsFormOf(record.type); });
}

void CheckOptionsAgainstLdns(const EdnsInfo& edns, Bytes rdata) {
  if (rdata.empty()) return;  // ldns has no list for none.
  const LdnsPkt pkt(ldns_pkt_new());
  ldns_pkt_set_edns_data(pkt.get(),
                         ldns_rdf_new_frm_data(LDNS_RDF_TYPE_NONE, rdata.size(), rdata.data()));
  const ldns_edns_option_list* list = ldns_pkt_edns_get_option_list(pkt.get());
  FUZZ_CHECK(list != nullptr);
  bool has_padding = false;
  bool has_keepalive = false;
  bool has_nsid = false;
  std::optional<ExtendedErrorCode> extended_error;
  Bytes cookie;
  size_t octets = 0;
  for (size_t i = 0; i < ldns_edns_option_list_get_count(list); ++i) {
    const ldns_edns_option* option = ldns_edns_option_list_get_option(list, i);
    const size_t size = ldns_edns_get_size(option);
    octets += 4 + size;
    switch (static_cast<EdnsOption>(ldns_edns_get_code(option))) {
      case EdnsOption::kPadding:
        has_padding = true;
        break;
      case EdnsOption::kTcpKeepalive:
        if (size == 0 || size == 2) has_keepalive = true;
        break;
      case EdnsOption::kNsid:
        has_nsid = true;
        break;
      case EdnsOption::kCookie:
        if (cookie.empty() && (size == 8 || (size >= 16 && size <= 40))) {
          cookie = Bytes(ldns_edns_get_data(option), size);
        }
        break;
      case EdnsOption::kExtendedError:
        if (size >= 2 && !extended_error.has_value()) {
          extended_error = static_cast<ExtendedErrorCode>(LoadU16(ldns_edns_get_data(option)));
        }
        break;
      default:
        break;
    }
  }
  FUZZ_CHECK(octets == rdata.size());
  FUZZ_CHECK(edns.has_padding == has_padding && edns.has_keepalive == has_keepalive);
  FUZZ_CHECK(edns.has_nsid == has_nsid && edns.extended_error == extended_error);
  FUZZ_CHECK(edns.cookie.size == cookie.size());
  const Bytes kept = cookie.first(std::min(cookie.size(), edns.cookie.octets.size()));
  FUZZ_CHECK(std::equal(kept.begin(), kept.end(), edns.cookie.octets.begin()));
}

}  // namespace dotcache
