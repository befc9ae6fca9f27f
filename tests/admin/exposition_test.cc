// SPDX-License-Identifier: Apache-2.0
#include "admin/exposition.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

TEST(ExpositionTest, SamplesHaveTheirLabels) {
  Exposition out;
  Exposition::Add(out.AddCounters("a_total", "Text."), {{"label", "value"}}, 3);
  out.Gauge("b", "Text.", 1.5);
  EXPECT_THAT(out.Render(), HasSubstr("# TYPE a_total counter\na_total{label=\"value\"} 3\n"));
  EXPECT_THAT(out.Render(), HasSubstr("# TYPE b gauge\nb 1.5\n"));
}

TEST(ExpositionTest, HistogramsAreSummed) {
  SizeHistogram first;
  SizeHistogram second;
  first.Count(100);
  second.Count(600, 2);
  Exposition out;
  Exposition::AddSum<SizeHistogram>(out.AddHistograms("size", "Text."), {},
                                    std::vector<const SizeHistogram*>{&first, &second}, 1);
  const std::string text = out.Render();
  EXPECT_THAT(text, HasSubstr("size_bucket{le=\"128\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("size_bucket{le=\"512\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("size_bucket{le=\"1232\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("size_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("size_sum 1300\n"));
}

}  // namespace
}  // namespace dotcache
