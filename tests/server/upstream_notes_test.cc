// SPDX-License-Identifier: Apache-2.0
#include "server/upstream_notes.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/loopback_dot_server.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

class UpstreamNotesTest : public testing::Test {
 protected:
  UpstreamNotesTest() {
    auto plan = std::make_shared<UpstreamPlan>();
    plan->options.zones.resize(3);
    plan->options.zones[1].zone = *DomainName::FromText("corp.example");
    plan->options.zones[2].zone = *DomainName::FromText("Lab.Corp.Example");
    plan_ = std::move(plan);
  }

  QueryNote NoteOf(const std::string& name, QType qtype = QType::kA) {
    const Question question{*DomainName::FromText(name), qtype, QClass::kIn};
    const WireMessage wire = MakeQuery(name, qtype);
    notes_.OnQuerySent({server_, Transport::kDot, question, wire, MonoTime(Seconds{7})});
    std::vector<QueuedNote> notes;
    queue_.Take(notes);
    EXPECT_EQ(notes.size(), 1u);
    EXPECT_EQ(notes[0].message, wire);
    return notes[0].note;
  }

  const Endpoint server_ = *Endpoint::Parse("192.0.2.2:853");
  NoteQueue queue_{1, /*with_messages=*/true, /*upstream=*/true};
  std::shared_ptr<const UpstreamPlan> plan_;
  UpstreamNotes notes_{&queue_, plan_};
};

TEST_F(UpstreamNotesTest, AQueryIsNotedWithItsServerAndTime) {
  const QueryNote note = NoteOf("www.example.com");
  EXPECT_EQ(note.kind, NoteKind::kUpstreamQuery);
  EXPECT_EQ(note.transport, Transport::kDot);
  EXPECT_EQ(note.peer, server_);
  EXPECT_EQ(note.begun, MonoTime(Seconds{7}));
  EXPECT_EQ(note.name.ToString(), "www.example.com.");
  EXPECT_EQ(note.zone_labels, 0);
}

TEST_F(UpstreamNotesTest, TheClosestZoneIsNoted) {
  EXPECT_EQ(NoteOf("www.corp.example").zone_labels, 2);
  EXPECT_EQ(NoteOf("www.lab.corp.example").zone_labels, 3);
  EXPECT_EQ(NoteOf("lab.corp.example", QType::kDs).zone_labels, 2);
}

TEST_F(UpstreamNotesTest, AResponseIsNotedWithItsRcodeAndBothTimes) {
  const Question question{*DomainName::FromText("a.example"), QType::kA, QClass::kIn};
  const WireMessage wire = ErrorTo(MakeQuery("a.example", QType::kA), Rcode::kNxDomain);
  notes_.OnResponse({server_, Transport::kUdp, question, wire, MonoTime(Seconds{7})});
  std::vector<QueuedNote> notes;
  queue_.Take(notes);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].note.kind, NoteKind::kUpstreamResponse);
  EXPECT_EQ(notes[0].note.rcode, Rcode::kNxDomain);
  EXPECT_EQ(notes[0].note.begun, MonoTime(Seconds{7}));
  EXPECT_NE(notes[0].note.ended, MonoTime());
}

TEST_F(UpstreamNotesTest, NothingIsObservedWithoutALogOfUpstreamMessages) {
  NoteQueue clients_only(1, /*with_messages=*/true);
  EXPECT_FALSE(UpstreamNotes(&clients_only, plan_).on());
  EXPECT_FALSE(UpstreamNotes(nullptr, plan_).on());
  EXPECT_TRUE(notes_.on());
}

}  // namespace
}  // namespace dotcache
