// SPDX-License-Identifier: Apache-2.0
#include "bench/message_corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "dns/message_header.h"

namespace dotcache {

std::vector<HostileMessage> ReadCorpus(const std::string& directory) {
  std::vector<HostileMessage> list;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> octets{std::istreambuf_iterator<char>(file), {}};
    list.push_back({entry.path().filename(), WireMessage(octets.begin(), octets.end())});
  }
  std::sort(list.begin(), list.end(),
            [](const HostileMessage& a, const HostileMessage& b) { return a.name < b.name; });
  return list;
}

WireMessage Mutate(Bytes message, uint64_t seed) {
  std::mt19937_64 random(seed);
  WireMessage octets(message.begin(), message.end());
  const auto below = [&random](size_t limit) { return static_cast<size_t>(random() % limit); };
  for (size_t left = 1 + below(4); left > 0 && octets.size() > kHeaderSize; --left) {
    // Most changes are made after the header, because a changed header often makes the message
    // trivial to reject.
    const size_t at =
        below(8) == 0 ? below(octets.size()) : kHeaderSize + below(octets.size() - kHeaderSize);
    switch (below(6)) {
      case 0:
        octets[at] = static_cast<uint8_t>(random());
        break;
      case 1:
        octets[at] ^= static_cast<uint8_t>(1u << below(8));
        break;
      case 2:
        octets[at] = static_cast<uint8_t>(octets[at] + (below(2) == 0 ? 1 : 255));
        break;
      case 3:
        // The low octet of a section's count.
        octets[5 + 2 * below(4)] = static_cast<uint8_t>(below(4));
        break;
      case 4:
        octets.resize(at);
        break;
      default: {
        const WireMessage part(
            octets.begin() + at,
            octets.begin() + at + below(std::min<size_t>(octets.size() - at, 64)));
        if (octets.size() + part.size() <= kMaxMessageSize) {
          octets.insert(octets.begin() + at, part.begin(), part.end());
        }
      }
    }
  }
  return octets;
}

}  // namespace dotcache
