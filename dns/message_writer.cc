// SPDX-License-Identifier: Apache-2.0
#include "dns/message_writer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "dns/extra_text.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

constexpr size_t kQdcountOffset = 4;
constexpr size_t kAncountOffset = 6;
constexpr size_t kArcountOffset = 10;
constexpr size_t kExtendedErrorSize = 6;  // Option header and INFO-CODE.

void CountOneMore(MutableBytes message, size_t count_offset) {
  uint8_t* count = message.data() + count_offset;
  StoreU16(count, static_cast<uint16_t>(LoadU16(count) + 1));
}

// Writes octet strings one after the other. The caller checks that all of them fit.
class Cursor {
 public:
  explicit Cursor(uint8_t* at) : at_(at) {}

  void U8(uint8_t value) { *at_++ = value; }
  void U16(uint16_t value) {
    StoreU16(at_, value);
    at_ += 2;
  }
  void U32(uint32_t value) {
    StoreU32(at_, value);
    at_ += 4;
  }
  void Octets(const void* octets, size_t size) {
    if (size > 0) std::memcpy(at_, octets, size);
    at_ += size;
  }
  // NAME, TYPE and CLASS, with which a question and a record begin.
  void Head(const DomainName& name, QType type, QClass klass) {
    Octets(name.wire().data(), name.size());
    U16(static_cast<uint16_t>(type));
    U16(static_cast<uint16_t>(klass));
  }
  void Zeroes(size_t size) {
    std::memset(at_, 0, size);
    at_ += size;
  }
  void OptionHeader(EdnsOption code, size_t size) {
    U16(static_cast<uint16_t>(code));
    U16(static_cast<uint16_t>(size));
  }

 private:
  uint8_t* at_;
};

// Sizes of whole options. 0: no option.
size_t KeepaliveSize(const OptToWrite& opt) {
  if (!opt.keepalive) return 0;
  return kOptionHeaderSize + (opt.keepalive_timeout_100ms.has_value() ? 2 : 0);
}
size_t CookieSize(const OptToWrite& opt) {
  return opt.cookie.has_value() ? kOptionHeaderSize + opt.cookie->size() : 0;
}
size_t NsidSize(const OptToWrite& opt) {
  return opt.nsid.empty() ? 0 : kOptionHeaderSize + opt.nsid.size();
}

// The parts of an OPT record that fit.
struct OptLayout {
  size_t keepalive = 0;  // Size of the whole option; 0: none.
  bool nsid = false;
  std::optional<absl::string_view> upstream_error;  // Its text.
  std::optional<absl::string_view> extended_error;
  std::optional<size_t> padding_data;  // OPTION-LENGTH of the padding option.
  size_t total = 0;                    // Size of the record.
};

// Adds an extended error to `total` if it fits into `room`. Returns the part of its text that fits
// into `room_for_text`.
std::optional<absl::string_view> FitError(const std::optional<ExtendedError>& error, size_t room,
                                          size_t room_for_text, size_t& total) {
  if (!error.has_value() || total + kExtendedErrorSize > room) return std::nullopt;
  total += kExtendedErrorSize;
  const size_t left = room_for_text > total ? room_for_text - total : 0;
  const absl::string_view text = FirstCharacters(error->text, left);
  total += text.size();
  return text;
}

// Selects the parts that fit into `room` octets after a message of `size`. nullopt: even the record
// with its required options does not fit.
std::optional<OptLayout> LayOut(const OptToWrite& opt, size_t size, size_t room) {
  OptLayout layout;
  layout.keepalive = KeepaliveSize(opt);
  layout.total = kOptFixedSize + CookieSize(opt) + layout.keepalive;
  if (layout.total > room) return std::nullopt;
  if (const size_t nsid_size = NsidSize(opt); nsid_size > 0 && layout.total + nsid_size <= room) {
    layout.nsid = true;
    layout.total += nsid_size;
  }
  const size_t room_for_errors =
      room - std::min(room, opt.padding_block > 0 ? kOptionHeaderSize : 0);
  layout.upstream_error = FitError(opt.upstream_error, room, room_for_errors, layout.total);
  layout.extended_error = FitError(opt.extended_error, room, room_for_errors, layout.total);
  if (opt.padding_block > 0 && layout.total + kOptionHeaderSize <= room) {
    layout.total += kOptionHeaderSize;
    const size_t beyond_block = (size + layout.total + opt.octets_behind) % opt.padding_block;
    const size_t wanted = beyond_block == 0 ? 0 : opt.padding_block - beyond_block;
    layout.padding_data = std::min(wanted, room - layout.total);
    layout.total += *layout.padding_data;
  }
  return layout;
}

void WriteError(const std::optional<ExtendedError>& error,
                const std::optional<absl::string_view>& text, Cursor& cursor) {
  if (!text.has_value()) return;
  cursor.OptionHeader(EdnsOption::kExtendedError, 2 + text->size());
  cursor.U16(static_cast<uint16_t>(error->code));
  cursor.Octets(text->data(), text->size());
}

void WriteOptions(const OptToWrite& opt, const OptLayout& layout, Cursor& cursor) {
  if (opt.cookie.has_value()) {
    cursor.OptionHeader(EdnsOption::kCookie, opt.cookie->size());
    cursor.Octets(opt.cookie->data(), opt.cookie->size());
  }
  if (layout.nsid) {
    cursor.OptionHeader(EdnsOption::kNsid, opt.nsid.size());
    cursor.Octets(opt.nsid.data(), opt.nsid.size());
  }
  if (opt.keepalive) {
    cursor.OptionHeader(EdnsOption::kTcpKeepalive, layout.keepalive - kOptionHeaderSize);
    if (opt.keepalive_timeout_100ms.has_value()) cursor.U16(*opt.keepalive_timeout_100ms);
  }
  WriteError(opt.upstream_error, layout.upstream_error, cursor);
  WriteError(opt.extended_error, layout.extended_error, cursor);
  if (layout.padding_data.has_value()) {
    cursor.OptionHeader(EdnsOption::kPadding, *layout.padding_data);
    cursor.Zeroes(*layout.padding_data);
  }
}

}  // namespace

MessageWriter::MessageWriter(MutableBytes out, const MessageHeader& header)
    : out_(out.first(std::min(out.size(), kMaxMessageSize))), size_(kHeaderSize) {
  assert(out.size() >= kHeaderSize);
  StoreHeader(out_, {.id = header.id, .flags = header.flags});
}

void MessageWriter::AddQuestion(const DomainName& qname, QType qtype, QClass qclass) {
  const size_t needed = qname.size() + kQuestionFixedSize;
  if (needed > out_.size() - size_) {
    overflowed_ = true;
    return;
  }
  Cursor cursor(out_.data() + size_);
  cursor.Head(qname, qtype, qclass);
  CountOneMore(out_, kQdcountOffset);
  size_ += needed;
}

void MessageWriter::AddAnswer(const DomainName& owner, QType type, uint32_t ttl, Bytes rdata,
                              QClass klass) {
  const size_t fixed = owner.size() + kRecordFixedSize;
  if (fixed > out_.size() - size_ || rdata.size() > out_.size() - size_ - fixed) {
    overflowed_ = true;
    return;
  }
  Cursor cursor(out_.data() + size_);
  cursor.Head(owner, type, klass);
  cursor.U32(ttl);
  cursor.U16(static_cast<uint16_t>(rdata.size()));
  cursor.Octets(rdata.data(), rdata.size());
  CountOneMore(out_, kAncountOffset);
  size_ += fixed + rdata.size();
}

void MessageWriter::AddOpt(const OptToWrite& opt, size_t max_size) {
  const size_t size = AppendOpt(out_, size_, opt, max_size);
  if (size == size_) overflowed_ = true;
  size_ = size;
}

size_t RequiredOptionsSize(const OptToWrite& opt) { return CookieSize(opt) + KeepaliveSize(opt); }

size_t AppendOpt(MutableBytes out, size_t size, const OptToWrite& opt, size_t max_size) {
  const size_t limit = std::min({out.size(), max_size, kMaxMessageSize});
  if (size < kHeaderSize || size > limit) return size;
  const std::optional<OptLayout> layout = LayOut(opt, size, limit - size);
  if (!layout.has_value()) return size;
  Cursor cursor(out.data() + size);
  cursor.U8(0);  // The root owner.
  cursor.U16(static_cast<uint16_t>(QType::kOpt));
  cursor.U16(opt.udp_payload_size);
  cursor.U8(opt.extended_rcode);
  cursor.U8(0);  // EDNS version.
  cursor.U16(opt.dnssec_ok ? kEdnsFlagDo : 0);
  cursor.U16(static_cast<uint16_t>(layout->total - kOptFixedSize));
  WriteOptions(opt, *layout, cursor);
  CountOneMore(out, kArcountOffset);
  return size + layout->total;
}

}  // namespace dotcache
