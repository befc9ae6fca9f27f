// SPDX-License-Identifier: Apache-2.0
#include "dns/message_writer.h"

#include "dns/ldns_ptr.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

const DomainName kName = DomainName::FromText("www.example.com").value();

// A buffer between two guards that must not change.
class Guarded {
 public:
  explicit Guarded(size_t size) : octets_(size + 16, 0xee), size_(size) {}
  MutableBytes out() { return MutableBytes(octets_).subspan(8, size_); }
  bool intact() const {
    const Bytes all(octets_);
    const auto untouched = [](uint8_t octet) { return octet == 0xee; };
    return std::all_of(all.begin(), all.begin() + 8, untouched) &&
           std::all_of(all.end() - 8, all.end(), untouched);
  }

 private:
  WireMessage octets_;
  size_t size_;
};

LdnsPkt Parse(Bytes message) {
  ldns_pkt* pkt = nullptr;
  EXPECT_EQ(ldns_wire2pkt(&pkt, message.data(), message.size()), LDNS_STATUS_OK);
  return LdnsPkt(pkt);
}

size_t WriteQuery(MutableBytes out, const OptToWrite& opt, size_t max_size) {
  MessageWriter writer(out, {.id = 7, .flags = kFlagRd});
  writer.AddQuestion(kName, QType::kA, QClass::kIn);
  writer.AddOpt(opt, max_size);
  return writer.size();
}

TEST(MessageWriterTest, WritesTheGivenSections) {
  WireMessage out(512);
  MessageWriter writer(MutableBytes(out), {.id = 7, .flags = kFlagQr | kFlagRd, .qdcount = 9});
  writer.AddQuestion(kName, QType::kA, QClass::kIn);
  writer.AddAnswer(kName, QType::kA, 300, ARdata("192.0.2.1"));
  out.resize(writer.size());
  EXPECT_FALSE(writer.overflowed());
  EXPECT_EQ(out, MessageBuilder()
                     .Id(7)
                     .Flags(kFlagQr | kFlagRd)
                     .Question("www.example.com", QType::kA)
                     .Answer(ARecord("www.example.com", 300, "192.0.2.1"))
                     .Build());
}

TEST(MessageWriterTest, RecordThatDoesNotFitLeavesTheMessageUnchanged) {
  const WireMessage rdata = ARdata("192.0.2.1");
  const size_t whole = kHeaderSize + (kName.size() + 4) + (kName.size() + 14);
  for (size_t room = kHeaderSize; room < whole; ++room) {
    Guarded buffer(room);
    MessageWriter writer(buffer.out(), {});
    writer.AddQuestion(kName, QType::kA, QClass::kIn);
    const size_t size_before = writer.size();
    writer.AddAnswer(kName, QType::kA, 300, rdata);
    EXPECT_TRUE(writer.overflowed());
    EXPECT_EQ(writer.size(), size_before);
    EXPECT_EQ(LoadHeader(buffer.out()).ancount, 0);
    EXPECT_TRUE(buffer.intact()) << room;
  }
}

TEST(MessageWriterTest, RdataOver65535OctetsIsRejected) {
  WireMessage out(200'000);
  MessageWriter writer(MutableBytes(out), {});
  writer.AddAnswer(kName, QType::kTxt, 300, WireMessage(65536));
  EXPECT_TRUE(writer.overflowed());
  EXPECT_EQ(writer.size(), kHeaderSize);
}

TEST(MessageWriterTest, OptHasTheGivenFieldsAndOptions) {
  WireMessage out(512);
  const size_t size =
      WriteQuery(MutableBytes(out),
                 {.udp_payload_size = 1400,
                  .extended_rcode = 1,
                  .dnssec_ok = true,
                  .extended_error = ExtendedError{ExtendedErrorCode::kStaleAnswer, "old"},
                  .keepalive = true,
                  .keepalive_timeout_100ms = 300},
                 512);
  out.resize(size);
  EXPECT_EQ(out, MessageBuilder()
                     .Id(7)
                     .Question("www.example.com", QType::kA)
                     .Opt({.udp_payload_size = 1400,
                           .extended_rcode = 1,
                           .flags = kEdnsFlagDo,
                           .options = {{11, {1, 44}}, {15, {0, 3, 'o', 'l', 'd'}}}})
                     .Build());
}

TEST(MessageWriterTest, PaddingExtendsTheMessageToAMultipleOfTheBlock) {
  for (size_t text_size = 0; text_size < 300; ++text_size) {
    WireMessage out(2048);
    const OptToWrite opt{
        .extended_error = ExtendedError{ExtendedErrorCode::kOther, std::string(text_size, 'x')},
        .padding_block = 128};
    const size_t size = WriteQuery(MutableBytes(out), opt, 2048);
    EXPECT_EQ(size % 128, 0u);
    const LdnsPkt pkt = Parse(Bytes(out).first(size));
    EXPECT_TRUE(ldns_pkt_edns(pkt.get()));
    EXPECT_NE(ldns_pkt_edns_get_option_list(pkt.get()), nullptr) << text_size;
  }
}

TEST(MessageWriterTest, TheUpstreamErrorStandsBeforeOurs) {
  WireMessage out(512);
  const size_t size =
      WriteQuery(MutableBytes(out),
                 {.upstream_error = ExtendedError{ExtendedErrorCode{15}, "ads"},
                  .extended_error = ExtendedError{ExtendedErrorCode::kStaleAnswer, "old"}},
                 512);
  out.resize(size);
  EXPECT_EQ(out, MessageBuilder()
                     .Id(7)
                     .Question("www.example.com", QType::kA)
                     .Opt({.options = {{15, {0, 15, 'a', 'd', 's'}}, {15, {0, 3, 'o', 'l', 'd'}}}})
                     .Build());
}

TEST(MessageWriterTest, ATextIsShortenedAfterAWholeCharacter) {
  const OptToWrite opt{.upstream_error = ExtendedError{ExtendedErrorCode{15}, "a\xe2\x82\xac"}};
  const size_t bare = kHeaderSize + kName.size() + 4 + kOptFixedSize + 6;
  for (const auto& [room, kept] : {std::pair<size_t, size_t>{0, 0}, {1, 1}, {3, 1}, {4, 4}}) {
    WireMessage out(512);
    EXPECT_EQ(WriteQuery(MutableBytes(out), opt, bare + room), bare + kept);
  }
}

TEST(MessageWriterTest, TextAndPaddingAreShortenedToTheSizeLimit) {
  const OptToWrite opt{
      .extended_error = ExtendedError{ExtendedErrorCode::kOther, "a long explanation"},
      .keepalive = true,
      .padding_block = 468};
  const size_t bare = kHeaderSize + kName.size() + 4 + kOptFixedSize + 4;
  for (size_t max_size = 0; max_size < 500; ++max_size) {
    Guarded buffer(512);
    const size_t size = WriteQuery(buffer.out(), opt, max_size);
    EXPECT_TRUE(buffer.intact());
    const Bytes message = buffer.out().first(size);
    EXPECT_EQ(LoadHeader(message).arcount, max_size >= bare ? 1 : 0) << max_size;
    if (max_size < bare) continue;
    EXPECT_LE(size, max_size);
    const auto edns = ParseOpt(1232, 0, message.subspan(kHeaderSize + kName.size() + 4 + 11),
                               EdnsSender::kUpstream);
    ASSERT_TRUE(edns.has_value()) << max_size;
    EXPECT_TRUE(edns->has_keepalive);
    EXPECT_EQ(edns->extended_error.has_value(), max_size >= bare + 6);
    EXPECT_EQ(edns->has_padding,
              max_size >= bare + 10 || max_size == bare + 4 || max_size == bare + 5)
        << max_size;
    EXPECT_EQ(size, max_size >= 468 ? 468u : size);
  }
}

TEST(MessageWriterTest, AppendOptStaysWithinTheBuffer) {
  const OptToWrite opt{.extended_error = ExtendedError{ExtendedErrorCode::kOther, "text"},
                       .keepalive = true,
                       .padding_block = 128};
  for (size_t room = 0; room < 160; ++room) {
    Guarded buffer(room);
    const size_t size = AppendOpt(buffer.out(), 12, opt, 65535);
    EXPECT_TRUE(buffer.intact());
    EXPECT_LE(size, std::max<size_t>(room, 12));
  }
}

}  // namespace
}  // namespace dotcache
