// SPDX-License-Identifier: Apache-2.0
#include "answer/own_answers.h"

#include <initializer_list>

#include "dns/message_writer.h"

namespace dotcache {
namespace {

constexpr uint32_t kChaosTtl = 0;
constexpr uint32_t kMinimalAnyTtl = 3600;
constexpr size_t kRecordFixedSize = 10;

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
  message.wire.resize(kHeaderSize + question.wire_size() + question.qname.size() +
                      kRecordFixedSize + rdata.size());
  MessageWriter writer(absl::MakeSpan(message.wire), {.flags = kFlagQr | kFlagRa});
  writer.AddQuestion(question.qname, question.qtype, question.qclass);
  if (!rdata.empty()) {
    message.ttl_offsets.push_back(static_cast<uint16_t>(writer.size() + question.qname.size() + 4));
    writer.AddAnswer(question.qname, type, ttl, rdata, question.qclass);
  }
  message.wire.resize(writer.size());
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
