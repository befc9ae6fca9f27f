// SPDX-License-Identifier: Apache-2.0
#include "answer/reply_rate.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/bytes.h"

namespace dotcache {
namespace {

constexpr size_t kAnswers = 32768;  // 256 KiB.
constexpr size_t kNetworks = 8192;  // 64 KiB.
constexpr std::array<uint8_t, 12> kV4Mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kV4NetworkOctets = 3;
constexpr size_t kV6NetworkOctets = 7;

// A limit that ends while a query is judged needs a valid rate too.
EventRate RateOf(int per_second) {
  const int rate = std::max(per_second, 1);
  return {rate, 2 * rate};
}

// The network of a client, then the parts of the question: the input of the hash.
class HashInput {
 public:
  explicit HashInput(const Endpoint& client) {
    Bytes octets = client.octets();
    bool is_v6 = client.is_v6();
    if (is_v6 && std::equal(kV4Mapped.begin(), kV4Mapped.end(), octets.begin())) {
      octets.remove_prefix(kV4Mapped.size());
      is_v6 = false;
    }
    octets_[0] = is_v6 ? 6 : 4;
    const size_t length = is_v6 ? kV6NetworkOctets : kV4NetworkOctets;
    std::memcpy(&octets_[1], octets.data(), length);
    size_ = 1 + length;
  }

  void Add(const Question& question) {
    StoreU16(&octets_[size_], static_cast<uint16_t>(question.qtype));
    const Bytes name = question.qname.wire();
    std::memcpy(&octets_[size_ + 2], name.data(), name.size());
    size_ += 2 + name.size();
  }

  Bytes octets() const { return Bytes(octets_.data(), size_); }

 private:
  std::array<uint8_t, 1 + kV6NetworkOctets + 2 + kMaxNameSize> octets_;
  size_t size_;
};

bool IsLoopback(const HashInput& input, const Endpoint& client) {
  return client.is_loopback() || (input.octets()[0] == 4 && input.octets()[1] == 127);
}

}  // namespace

ReplyRate::ReplyRate(const ReplyRateOptions& options)
    : per_second_(options.per_second),
      slip_(options.slip),
      answers_(kAnswers),
      networks_(kNetworks) {}

void ReplyRate::Use(const ReplyRateOptions& options) {
  slip_ = options.slip;
  per_second_ = options.per_second;
}

ReplyRate::Verdict ReplyRate::Judge(const Endpoint& client, const Question& question,
                                    MonoTime now) {
  HashInput input(client);
  if (IsLoopback(input, client)) return Verdict::kReply;
  const uint64_t network = SipHash13(seed_, input.octets());
  input.Add(question);
  const uint64_t answer = SipHash13(seed_, input.octets());
  const int per_second = per_second_.load(std::memory_order_relaxed);
  // The answer first, so that a flood for one answer takes no tokens of the network.
  if (answers_.Take(answer, RateOf(per_second), now) &&
      networks_.Take(network, RateOf(kAllFactor * per_second), now)) {
    return Verdict::kReply;
  }
  const int slip = slip_.load(std::memory_order_relaxed);
  if (slip == 0) return Verdict::kDrop;
  // A pseudo-random choice: neither an attacker nor the timing of a client can aim at it.
  const auto when = static_cast<uint64_t>(now.time_since_epoch().count());
  const uint64_t chance = (answer ^ when) * 0x9e3779b97f4a7c15;
  return (chance >> 32) % static_cast<uint64_t>(slip) == 0 ? Verdict::kTruncate : Verdict::kDrop;
}

}  // namespace dotcache
