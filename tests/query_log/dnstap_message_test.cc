// SPDX-License-Identifier: Apache-2.0
#include "query_log/dnstap_message.h"

#include <string>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using namespace std::string_literals;  // NOLINT

// Protobuf by hand: tag, length and octets.
TEST(DnstapMessageTest, AClientQueryHasTheOctetsOfItsProtobuf) {
  QueryNote note;
  note.transport = Transport::kDot;
  note.peer = *Endpoint::Parse("192.0.2.1:300");
  note.begun = MonoTime(Seconds{1} + Duration{2});
  const uint8_t message[] = {0xab, 0xcd};
  std::string out;
  AppendDnstap(note, message, Seconds{299}, out);
  const std::string inner =
      "\x08\x05"                // CLIENT_QUERY
      "\x10\x01"                // INET
      "\x18\x03"                // DOT
      "\x22\x04\xc0\0\x02\x01"  // 192.0.2.1
      "\x30\xac\x02"            // Port 300.
      "\x40\xac\x02"            // 300 s.
      "\x4d\x02\0\0\0"          // 2 ns.
      "\x52\x02\xab\xcd"s;      // The message.
  EXPECT_EQ(out, "\x12\x08"s + "dotcache" + "\x72" + static_cast<char>(inner.size()) + inner +
                     "\x78\x01");
}

TEST(DnstapMessageTest, AReplyHasBothTimes) {
  QueryNote note;
  note.kind = NoteKind::kClientReply;
  note.peer = *Endpoint::Parse("[2001:db8::1]:53");
  note.begun = MonoTime(Seconds{1});
  note.ended = MonoTime(Seconds{2});
  const uint8_t message[] = {0xab};
  std::string out;
  AppendDnstap(note, message, Seconds{0}, out);
  EXPECT_NE(out.find("\x08\x06\x10\x02\x18\x01\x22\x10"s), std::string::npos);
  EXPECT_NE(out.find("\x40\x01\x4d\0\0\0\0\x60\x02\x6d\0\0\0\0\x72\x01\xab"s), std::string::npos);
}

TEST(DnstapMessageTest, AForwardedQueryHasTheAddressOfTheResponderAndItsZone) {
  QueryNote note;
  note.kind = NoteKind::kUpstreamQuery;
  note.transport = Transport::kUdp;
  note.peer = *Endpoint::Parse("192.0.2.1:53");
  note.name = *DomainName::FromText("www.corp.example");
  note.zone_labels = 2;
  const uint8_t message[] = {0xab};
  std::string out;
  AppendDnstap(note, message, Seconds{0}, out);
  EXPECT_NE(out.find("\x08\x07\x10\x01\x18\x01\x2a\x04\xc0\0\x02\x01\x38\x35"s), std::string::npos);
  EXPECT_NE(out.find("\x5a\x0e\x04"s + "corp\x07" + "example\0"s + "\x52\x01\xab"),
            std::string::npos);
  out.clear();
  note.kind = NoteKind::kUpstreamResponse;
  note.zone_labels = 0;
  AppendDnstap(note, message, Seconds{0}, out);
  EXPECT_NE(out.find("\x08\x08\x10\x01\x18\x01\x2a\x04"s), std::string::npos);
  EXPECT_NE(out.find("\x5a\x01\0\x72\x01\xab"s), std::string::npos);
}

}  // namespace
}  // namespace dotcache
