// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/client_places.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ClientPlacesTest, EachClientIsCountedAndAllTogether) {
  ClientPlaces places;
  places.Take(1);
  places.Take(1);
  places.Take(2);
  EXPECT_EQ(places.Used(1).of_client, 2);
  EXPECT_EQ(places.Used(2).of_client, 1);
  EXPECT_EQ(places.Used(3).of_client, 0);
  EXPECT_EQ(places.Used(3).all, 3);
  places.Leave(1);
  places.Leave(2);
  EXPECT_EQ(places.Used(1).of_client, 1);
  EXPECT_EQ(places.Used(2).of_client, 0);
  EXPECT_EQ(places.Used(2).all, 1);
}

}  // namespace
}  // namespace dotcache
