// SPDX-License-Identifier: Apache-2.0
// ParseOpt() on any OPT record (CLASS, TTL, RDATA), judged by ldns; and what AppendOpt() writes
// with any room, read back.
#include <string>

#include "dns/edns.h"
#include "dns/ldns_ptr.h"
#include "dns/message_writer.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/ldns_differential.h"

using namespace dotcache;  // NOLINT

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 6 || size > 4096) return 0;
  const uint16_t klass = LoadU16(data);
  const uint32_t ttl = LoadU32(data + 2);
  const Bytes rdata(data + 6, size - 6);
  const auto edns = ParseOpt(klass, ttl, rdata, EdnsSender::kUpstream);
  FUZZ_CHECK(edns.has_value() || !ParseOpt(klass, ttl, rdata, EdnsSender::kClient).has_value());

  ldns_rdf* raw = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_NONE, rdata.size(), rdata.data());
  const LdnsRdf owned(raw);
  const LdnsPkt pkt(ldns_pkt_new());
  ldns_pkt_set_edns_data(pkt.get(), ldns_rdf_clone(raw));
  const bool ldns_accepts = ldns_pkt_edns_get_option_list(pkt.get()) != nullptr;
  FUZZ_CHECK(rdata.empty() || edns.has_value() == ldns_accepts);
  if (!edns.has_value()) return 0;
  CheckOptionsAgainstLdns(*edns, rdata);

  OptToWrite opt{.dnssec_ok = edns->dnssec_ok, .keepalive = edns->has_keepalive};
  opt.keepalive_timeout_100ms = edns->keepalive_timeout_100ms;
  opt.padding_block = edns->has_padding ? 1 + klass % 512 : 0;
  if (edns->extended_error.has_value()) opt.extended_error = {*edns->extended_error, "text"};
  if (edns->cookie.size > 0) opt.cookie = edns->cookie.octets;
  const std::string nsid(edns->has_nsid ? klass % 256 : 0, 'n');
  opt.nsid = nsid;
  WireMessage out(kHeaderSize + ttl % 700);
  const size_t written = AppendOpt(MutableBytes(out), kHeaderSize, opt, klass);
  FUZZ_CHECK(written <= out.size());
  if (written == kHeaderSize) return 0;
  const Bytes record = Bytes(out).first(written).subspan(kHeaderSize);
  const auto again =
      ParseOpt(LoadU16(&record[3]), LoadU32(&record[5]), record.subspan(11), EdnsSender::kUpstream);
  FUZZ_CHECK(again.has_value() && again->dnssec_ok == edns->dnssec_ok);
  FUZZ_CHECK((again->cookie.size > 0) == opt.cookie.has_value());
  FUZZ_CHECK(!opt.cookie.has_value() || again->cookie.octets == *opt.cookie);
  FUZZ_CHECK(!again->has_nsid || !nsid.empty());
  FUZZ_CHECK(again->keepalive_timeout_100ms == edns->keepalive_timeout_100ms);
  return 0;
}
