// SPDX-License-Identifier: Apache-2.0
#include "net/tls/idna.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(IdnaTest, AnInternationalizedNameHasAnAsciiForm) {
  // RFC 3492 section 7.1 and common practice: "bücher" is "xn--bcher-kva".
  EXPECT_EQ(ToAsciiName("dns.b\xc3\xbc"
                        "cher.example"),
            "dns.xn--bcher-kva.example");
  EXPECT_EQ(ToAsciiName("dns.example"), "dns.example");
}

TEST(IdnaTest, OctetsThatAreNotUtf8HaveNone) {
  EXPECT_EQ(ToAsciiName("\xff\xfe.example"), std::nullopt);
}

}  // namespace
}  // namespace dotcache
