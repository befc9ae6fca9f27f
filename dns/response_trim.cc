// SPDX-License-Identifier: Apache-2.0
#include "dns/response_trim.h"

#include "absl/strings/string_view.h"
#include "dns/message_header.h"
#include "dns/rdata.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

constexpr uint16_t kPointerBits = 0xc000;
constexpr size_t kFixedFieldsSize = 10;  // Type, class, TTL, RDLENGTH.

class Trimmer {
 public:
  // `out` already has the octets before `first_cut`.
  Trimmer(Bytes response, size_t first_cut, WireMessage& out)
      : response_(response), first_cut_(first_cut), out_(out) {}

  void Append(const ResponseRecord& record) {
    WireCursor owner(response_, record.begin, record.end);
    AppendName(owner);
    AppendOctets(record.rdata_begin - kFixedFieldsSize, record.rdata_begin);
    const size_t rdata_begin = out_.size();
    AppendRdata(record);
    StoreU16(&out_[rdata_begin - 2], static_cast<uint16_t>(out_.size() - rdata_begin));
  }

 private:
  void AppendOctets(size_t begin, size_t end) {
    out_.insert(out_.end(), response_.begin() + begin, response_.begin() + end);
  }

  void AppendName(WireCursor& cursor) {
    const size_t begin = cursor.position();
    const DomainName name = cursor.ReadName();
    const size_t end = cursor.position();
    const uint16_t pointer = end - begin == 2 ? LoadU16(&response_[begin]) : uint16_t{0};
    if (pointer >= kPointerBits && (pointer & ~kPointerBits) < first_cut_) {
      AppendOctets(begin, end);
    } else {
      out_.insert(out_.end(), name.wire().begin(), name.wire().end());
    }
  }

  void AppendRdata(const ResponseRecord& record) {
    const absl::string_view form = RdataForm(record.type);
    WireCursor cursor(response_, record.rdata_begin, record.end);
    for (const char field : form.substr(0, form.rfind('n') + 1)) {
      const size_t begin = cursor.position();
      if (field == 'n') {
        AppendName(cursor);
        continue;
      }
      if (field == 's') {
        cursor.SkipString();
      } else {
        cursor.Skip(static_cast<size_t>(field - '0'));  // Only digits are left before a name.
      }
      AppendOctets(begin, cursor.position());
    }
    AppendOctets(cursor.position(), record.end);
  }

  const Bytes response_;
  const size_t first_cut_;
  WireMessage& out_;
};

}  // namespace

std::optional<WireMessage> TrimResponse(Bytes response, size_t records_begin,
                                        const ResponseRecords& records, const RecordSet& kept) {
  size_t before = 0;
  while (before < records.size() && kept[before]) ++before;
  const size_t first_cut = before == 0 ? records_begin : records[before - 1].end;
  WireMessage out(response.begin(), response.begin() + first_cut);
  Trimmer trimmer(response, first_cut, out);
  uint16_t counts[] = {0, 0, 0};
  for (size_t i = 0; i < records.size(); ++i) {
    if (!kept[i]) continue;
    ++counts[static_cast<size_t>(records[i].section)];
    if (i < before) continue;
    trimmer.Append(records[i]);
    if (out.size() > kMaxMessageSize) return std::nullopt;
  }
  MessageHeader header = LoadHeader(response);
  header.ancount = counts[0];
  header.nscount = counts[1];
  header.arcount = counts[2];
  StoreHeader(absl::MakeSpan(out), header);
  return out;
}

}  // namespace dotcache
