// SPDX-License-Identifier: Apache-2.0
#include "dns/stream_framer.h"

#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using ::testing::ElementsAreArray;

// Feeds the pieces and returns copies of the messages.
std::vector<WireMessage> Cut(StreamFramer& framer, const std::vector<Bytes>& pieces) {
  std::vector<WireMessage> messages;
  for (Bytes piece : pieces) {
    framer.Feed(piece);
    while (const std::optional<Bytes> message = framer.Next()) {
      messages.emplace_back(message->begin(), message->end());
    }
  }
  return messages;
}

// Messages of these sizes; octet i of message n is n + i.
std::vector<WireMessage> MessagesOf(std::initializer_list<size_t> sizes) {
  std::vector<WireMessage> messages;
  for (size_t size : sizes) {
    WireMessage message(size);
    for (size_t i = 0; i < size; ++i) message[i] = static_cast<uint8_t>(messages.size() + i);
    messages.push_back(std::move(message));
  }
  return messages;
}

TEST(StreamFramerTest, AnySplitInTwoOrThreeGivesTheSameMessages) {
  const std::vector<WireMessage> messages = MessagesOf({12, 0, 1, 7, 20});
  const WireMessage stream = Framed(messages);
  const Bytes all(stream);
  for (size_t first = 0; first <= all.size(); ++first) {
    for (size_t second = first; second <= all.size(); ++second) {
      StreamFramer framer;
      EXPECT_THAT(
          Cut(framer, {all.first(first), all.subspan(first, second - first), all.subspan(second)}),
          ElementsAreArray(messages))
          << first << " " << second;
      EXPECT_FALSE(framer.mid_message());
    }
  }
}

TEST(StreamFramerTest, OneOctetAtATimeGivesTheSameMessages) {
  const std::vector<WireMessage> messages = MessagesOf({300, 0, 65535, 5});
  const WireMessage stream = Framed(messages);
  std::vector<Bytes> octets;
  for (size_t i = 0; i < stream.size(); ++i) octets.push_back(Bytes(stream).subspan(i, 1));
  StreamFramer framer;
  EXPECT_THAT(Cut(framer, octets), ElementsAreArray(messages));
}

TEST(StreamFramerTest, RandomSplitsGiveTheSameMessages) {
  const std::vector<WireMessage> messages = MessagesOf({17, 512, 0, 4096, 2, 65535, 1, 33});
  const WireMessage stream = Framed(messages);
  std::minstd_rand random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<Bytes> pieces;
    for (Bytes rest(stream); !rest.empty();) {
      const size_t size = std::min<size_t>(rest.size(), random() % 5000);
      pieces.push_back(rest.first(size));
      rest.remove_prefix(size);
    }
    StreamFramer framer;
    EXPECT_THAT(Cut(framer, pieces), ElementsAreArray(messages)) << round;
  }
}

TEST(StreamFramerTest, CompleteMessagesAreViewsOfThePiece) {
  const WireMessage stream = Framed(MessagesOf({12, 30}));
  StreamFramer framer;
  framer.Feed(stream);
  EXPECT_EQ(framer.Next()->data(), stream.data() + 2);
  EXPECT_EQ(framer.Next()->data(), stream.data() + 16);
  EXPECT_EQ(framer.Next(), std::nullopt);
}

TEST(StreamFramerTest, MidMessageIsTrueInsideAMessage) {
  const WireMessage stream = Framed(MessagesOf({3}));
  StreamFramer framer;
  EXPECT_FALSE(framer.mid_message());
  for (size_t i = 0; i + 1 < stream.size(); ++i) {
    framer.Feed(Bytes(stream).subspan(i, 1));
    EXPECT_EQ(framer.Next(), std::nullopt);
    EXPECT_TRUE(framer.mid_message()) << i;
  }
  framer.Feed(Bytes(stream).last(1));
  EXPECT_TRUE(framer.Next().has_value());
  EXPECT_FALSE(framer.mid_message());
  EXPECT_EQ(framer.Next(), std::nullopt);
  EXPECT_FALSE(framer.mid_message());
}

TEST(StreamFramerTest, HeldBytesIsTheBufferedPart) {
  const WireMessage stream = Framed(MessagesOf({300}));
  StreamFramer framer;
  Cut(framer, {Bytes(stream).first(200)});
  EXPECT_GE(framer.held_bytes(), 200u);
  EXPECT_LT(framer.held_bytes(), 2 * stream.size());
  Cut(framer, {Bytes(stream).subspan(200)});
  EXPECT_EQ(framer.held_bytes(), 0u);
}

}  // namespace
}  // namespace dotcache
