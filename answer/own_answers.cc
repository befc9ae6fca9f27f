// SPDX-License-Identifier: Apache-2.0
#include "answer/own_answers.h"

#include <array>
#include <initializer_list>

#include "dns/message_writer.h"
#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

constexpr uint32_t kChaosTtl = 0;
constexpr uint32_t kMinimalAnyTtl = 3600;
constexpr size_t kPointerSize = 2;
constexpr uint16_t kPointerToQuestion = 0xc000 | kHeaderSize;  // RFC 1035 section 4.1.4.
constexpr size_t kAncountOffset = 6;                           // In the header.

// Returns RDATA that holds each text as a character-string (RFC 1035 section 3.3).
WireMessage CharacterStrings(std::initializer_list<absl::string_view> texts) {
  WireMessage rdata;
  for (absl::string_view text : texts) {
    rdata.push_back(static_cast<uint8_t>(text.size()));
    rdata.insert(rdata.end(), text.begin(), text.end());
  }
  return rdata;
}

bool IsName(const DomainName& name, absl::string_view text) {
  return name == *DomainName::FromText(text);
}

// Returns a response to `question` with one record, or without records if `rdata` is empty.
StoredMessage Respond(const Question& question, QType type, uint32_t ttl, Bytes rdata) {
  StoredMessage message;
  message.wire.resize(kHeaderSize + question.wire_size());
  MessageHeader header{.flags = kFlagQr | kFlagRa};
  MessageWriter writer(absl::MakeSpan(message.wire), header);
  writer.AddQuestion(question.qname, question.qtype, question.qclass);
  if (rdata.empty()) return message;
  std::array<uint8_t, kPointerSize + kRecordFixedSize> record;
  StoreU16(&record[0], kPointerToQuestion);
  StoreU16(&record[2], static_cast<uint16_t>(type));
  StoreU16(&record[4], static_cast<uint16_t>(question.qclass));
  StoreU32(&record[6], ttl);
  StoreU16(&record[10], static_cast<uint16_t>(rdata.size()));
  message.ttl_offsets.push_back(static_cast<uint16_t>(message.wire.size() + 6));
  message.wire.insert(message.wire.end(), record.begin(), record.end());
  message.wire.insert(message.wire.end(), rdata.begin(), rdata.end());
  StoreU16(&message.wire[kAncountOffset], 1);
  return message;
}

}  // namespace

std::optional<StoredMessage> OwnAnswers::Answer(const Question& question) const {
  if (question.qclass == QClass::kIn) {
    return Respond(question, QType::kHinfo, kMinimalAnyTtl, CharacterStrings({"RFC8482", ""}));
  }
  absl::string_view text;
  if (IsName(question.qname, "id.server") || IsName(question.qname, "hostname.bind")) {
    text = options_.identity;
  } else if (IsName(question.qname, "version.bind") || IsName(question.qname, "version.server")) {
    text = options_.version_text;
  }
  if (text.empty() || question.qclass != QClass::kChaos) return std::nullopt;
  const bool has_text = question.qtype == QType::kTxt || question.qtype == QType::kAny;
  return Respond(question, QType::kTxt, kChaosTtl,
                 has_text ? CharacterStrings({text}) : WireMessage());
}

}  // namespace dotcache
