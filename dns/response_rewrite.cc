// SPDX-License-Identifier: Apache-2.0
#include "dns/response_rewrite.h"

#include "dns/message_header.h"
#include "dns/name_compressor.h"
#include "dns/rdata.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

constexpr size_t kFixedFieldsSize = 10;  // Type, class, TTL, RDLENGTH.
constexpr uint16_t kPointerToQname = 0xc000 | kHeaderSize;

class Rewriter {
 public:
  Rewriter(Bytes response, size_t records_begin)
      : response_(response),
        out_(response.begin(), response.begin() + records_begin),
        names_(out_) {
    if (records_begin > kHeaderSize) {
      const DomainName qname = WireCursor(response, kHeaderSize, records_begin).ReadName();
      names_.Note(qname, kHeaderSize);
      if (qname.size() > 1) qname_ = qname.Canonical();
    }
  }

  void Append(const ResponseRecord& record) {
    WireCursor owner(response_, record.begin, record.end);
    AppendOwner(owner.ReadName());
    AppendOctets(record.rdata_begin - kFixedFieldsSize, record.rdata_begin);
    const size_t rdata_begin = out_.size();
    AppendRdata(record);
    StoreRdlength(rdata_begin);
  }

  // `dname` lends its class and TTL (RFC 6672 section 3.1).
  void Append(const SynthesizedCname& cname, const ResponseRecord& dname) {
    AppendOwner(cname.owner);
    const size_t fixed = out_.size();
    AppendOctets(dname.rdata_begin - kFixedFieldsSize, dname.rdata_begin);
    StoreU16(&out_[fixed], static_cast<uint16_t>(QType::kCname));
    const size_t rdata_begin = out_.size();
    names_.Append(cname.target);
    StoreRdlength(rdata_begin);
  }

  size_t size() const { return out_.size(); }
  WireMessage Take(const uint16_t (&counts)[3]) {
    MessageHeader header = LoadHeader(response_);
    header.ancount = counts[0];
    header.nscount = counts[1];
    header.arcount = counts[2];
    StoreHeader(absl::MakeSpan(out_), header);
    return std::move(out_);
  }

 private:
  // The QNAME becomes a pointer to the question in any spelling.
  void AppendOwner(const DomainName& owner) {
    if (qname_.has_value() && owner.Canonical() == *qname_) {
      out_.resize(out_.size() + 2);
      StoreU16(&out_[out_.size() - 2], kPointerToQname);
    } else {
      names_.Append(owner);
    }
  }

  void AppendOctets(size_t begin, size_t end) {
    out_.insert(out_.end(), response_.begin() + begin, response_.begin() + end);
  }

  void StoreRdlength(size_t rdata_begin) {
    StoreU16(&out_[rdata_begin - 2], static_cast<uint16_t>(out_.size() - rdata_begin));
  }

  void AppendRdata(const ResponseRecord& record) {
    rdata_names_.clear();
    WireCursor cursor(response_, record.rdata_begin, record.end);
    ReadRdata(record.type, cursor, &rdata_names_);
    size_t at = record.rdata_begin;
    for (const RdataName& found : rdata_names_) {
      AppendOctets(at, found.begin);
      const DomainName name = found.ReadFrom(response_);
      if (found.compressible) {
        names_.Append(name);
      } else {
        out_.insert(out_.end(), name.wire().begin(), name.wire().end());
      }
      at = found.end;
    }
    AppendOctets(at, record.end);
  }

  const Bytes response_;
  WireMessage out_;
  NameCompressor names_;
  std::optional<DomainName> qname_;     // Canonical. nullopt without a question, and for the root.
  std::vector<RdataName> rdata_names_;  // Of the record being written.
};

}  // namespace

std::optional<WireMessage> RewriteResponse(Bytes response, size_t records_begin,
                                           const ResponseRecords& records,
                                           absl::Span<const SynthesizedCname> cnames,
                                           absl::Span<const size_t> layout) {
  Rewriter rewriter(response, records_begin);
  uint16_t counts[] = {0, 0, 0};
  for (const size_t item : layout) {
    if (item < records.size()) {
      rewriter.Append(records[item]);
      ++counts[static_cast<size_t>(records[item].section)];
    } else {
      const SynthesizedCname& cname = cnames[item - records.size()];
      rewriter.Append(cname, records[cname.dname]);
      ++counts[static_cast<size_t>(Section::kAnswer)];
    }
    if (rewriter.size() > kMaxMessageSize) return std::nullopt;
  }
  return rewriter.Take(counts);
}

}  // namespace dotcache
