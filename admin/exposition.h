// SPDX-License-Identifier: Apache-2.0
// Collects metrics and writes them in Prometheus text format.
#ifndef DOTCACHE_ADMIN_EXPOSITION_H_
#define DOTCACHE_ADMIN_EXPOSITION_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "core/counters.h"

namespace dotcache {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

// The metric families of one page. Not thread-safe.
class Exposition {
 public:
  using Family = prometheus::MetricFamily;

  // Adds a family without samples. The reference is valid until the next call.
  Family& AddCounters(const std::string& name, const std::string& help) {
    return AddFamily(name, help, prometheus::MetricType::Counter);
  }
  Family& AddGauges(const std::string& name, const std::string& help) {
    return AddFamily(name, help, prometheus::MetricType::Gauge);
  }
  Family& AddHistograms(const std::string& name, const std::string& help) {
    return AddFamily(name, help, prometheus::MetricType::Histogram);
  }

  // Adds a family with one sample that has no label.
  void Counter(const std::string& name, const std::string& help, double value) {
    Add(AddCounters(name, help), {}, value);
  }
  void Gauge(const std::string& name, const std::string& help, double value) {
    Add(AddGauges(name, help), {}, value);
  }

  // Adds a sample to a family of counters or gauges.
  static void Add(Family& family, MetricLabels labels, double value);

  // Adds the sum of histograms with the same bounds. `unit`: how many parts of a histogram's unit
  // are one second or one byte.
  template <typename Histogram>
  static void AddSum(Family& family, MetricLabels labels, absl::Span<const Histogram* const> parts,
                     double unit) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    uint64_t count = 0;
    for (size_t i = 0; i < Histogram::kBucketCount; ++i) {
      for (const Histogram* part : parts) count += part->bucket(i);
      if (i == Histogram::kBounds.size()) continue;  // The serializer adds "+Inf".
      metric.histogram.bucket.push_back({count, static_cast<double>(Histogram::kBounds[i]) / unit});
    }
    metric.histogram.sample_count = count;
    for (const Histogram* part : parts) {
      metric.histogram.sample_sum += static_cast<double>(part->sum()) / unit;
    }
    family.metric.push_back(std::move(metric));
  }

  std::string Render() const;

 private:
  Family& AddFamily(const std::string& name, const std::string& help, prometheus::MetricType type);

  std::vector<Family> families_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_EXPOSITION_H_
