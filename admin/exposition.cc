// SPDX-License-Identifier: Apache-2.0
#include "admin/exposition.h"

#include <prometheus/text_serializer.h>

#include <sstream>

namespace dotcache {

Exposition::Family& Exposition::AddFamily(const std::string& name, const std::string& help,
                                          prometheus::MetricType type) {
  families_.push_back({name, help, type, {}});
  return families_.back();
}

void Exposition::Add(Family& family, MetricLabels labels, double value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

std::string Exposition::Render() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return out.str();
}

}  // namespace dotcache
