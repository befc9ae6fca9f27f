// SPDX-License-Identifier: Apache-2.0
// An observer that keeps what it is shown.
#ifndef DOTCACHE_TESTS_UPSTREAM_CONNECTION_RECORDING_OBSERVER_H_
#define DOTCACHE_TESTS_UPSTREAM_CONNECTION_RECORDING_OBSERVER_H_

#include <string>
#include <vector>

#include "upstream/api/message_observer.h"

namespace dotcache {

class RecordingObserver : public MessageObserver {
 public:
  struct Seen {
    std::string what;  // "query dot a.example."
    Endpoint server;
    WireMessage wire;
    MonoTime sent;
  };

  void OnQuerySent(const ObservedMessage& query) override { Keep("query ", query); }
  void OnResponse(const ObservedMessage& response) override { Keep("response ", response); }

  std::vector<std::string> What() const {
    std::vector<std::string> what;
    for (const Seen& message : seen) what.push_back(message.what);
    return what;
  }

  std::vector<Seen> seen;

 private:
  void Keep(const std::string& prefix, const ObservedMessage& message) {
    seen.push_back({prefix + std::string(TransportName(message.transport)) + " " +
                        message.question.qname.ToString(),
                    message.server, WireMessage(message.wire.begin(), message.wire.end()),
                    message.sent});
  }
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_UPSTREAM_CONNECTION_RECORDING_OBSERVER_H_
