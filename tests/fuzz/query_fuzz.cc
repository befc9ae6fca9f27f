// ParseQuery() on any octets: what it accepts, ldns reads the same way; what it rejects, an error
// reply can be made for.
#include <algorithm>

#include "dns/ldns_ptr.h"
#include "dns/message_header.h"
#include "dns/query.h"
#include "tests/fuzz/fuzz_target.h"

using namespace dotcache;  // NOLINT

static void CheckAgainstLdns(const Query& query, Bytes message) {
  ldns_pkt* raw = nullptr;
  FUZZ_CHECK(ldns_wire2pkt(&raw, message.data(), message.size()) == LDNS_STATUS_OK);
  const LdnsPkt pkt(raw);
  const ldns_rr* question = ldns_rr_list_rr(ldns_pkt_question(raw), 0);
  const ldns_rdf* owner = ldns_rr_owner(question);
  FUZZ_CHECK(query.qname.wire() == Bytes(ldns_rdf_data(owner), ldns_rdf_size(owner)));
  FUZZ_CHECK(query.question.MatchesMessage(message));
  FUZZ_CHECK(static_cast<int>(query.question.qtype) == ldns_rr_get_type(question));
  FUZZ_CHECK(query.id == ldns_pkt_id(raw) && ldns_pkt_get_opcode(raw) == LDNS_PACKET_QUERY);
  FUZZ_CHECK(query.edns.present == (LoadHeader(message).arcount == 1));
  FUZZ_CHECK(query.edns.dnssec_ok == ldns_pkt_edns_do(raw));
  FUZZ_CHECK(query.edns.udp_payload_size == std::max<int>(512, ldns_pkt_edns_udp_size(raw)));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::variant<Query, Rejection> result = ParseQuery(Bytes(data, size));
  if (const Query* query = std::get_if<Query>(&result)) {
    CheckAgainstLdns(*query, Bytes(data, size));
    return 0;
  }
  const Rejection& rejection = std::get<Rejection>(result);
  const bool silent = size < kHeaderSize || (data[2] & 0x80) != 0;
  FUZZ_CHECK(rejection.reply == !silent);
  const size_t reply_size =
      kHeaderSize + rejection.question_size + (rejection.has_edns ? kOptFixedSize : 0);
  FUZZ_CHECK(silent || reply_size <= size);
  return 0;
}
