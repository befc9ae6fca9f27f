// SPDX-License-Identifier: Apache-2.0
#include "bench/hostile_messages.h"

#include "absl/strings/str_cat.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

constexpr size_t kSmall = 512;
constexpr size_t kLarge = 65535;
constexpr uint16_t kQnameAt = kHeaderSize;
constexpr uint8_t kAddress[4] = {192, 0, 2, 1};

enum CountedSection { kQd = 4, kAn = 6, kNs = 8, kAr = 10 };

// Builds a message from octets and counts its records. Checks nothing.
class Shape {
 public:
  explicit Shape(uint16_t flags = kFlagRd) : octets_(kHeaderSize) { StoreU16(&octets_[2], flags); }

  static Shape Query(QType qtype = QType::kA) { return Shape().Question(qtype); }
  static Shape Response(QType qtype = QType::kA) {
    return Shape(kFlagQr | kFlagRd | kFlagRa).Question(qtype);
  }

  Shape& Question(QType qtype) {
    Raw(DomainName::FromText(kHostileName)->wire());
    return U16(static_cast<uint16_t>(qtype)).U16(1).Count(kQd);
  }
  Shape& Raw(Bytes octets) {
    octets_.insert(octets_.end(), octets.begin(), octets.end());
    return *this;
  }
  Shape& U8(size_t value) {
    octets_.push_back(static_cast<uint8_t>(value));
    return *this;
  }
  Shape& U16(size_t value) { return U8(value >> 8).U8(value); }
  Shape& Pointer(size_t target) { return U16(0xc000 | target); }
  Shape& Count(CountedSection section, int more = 1) {
    StoreU16(&octets_[section], static_cast<uint16_t>(LoadU16(&octets_[section]) + more));
    return *this;
  }

  // Appends the fields that follow an owner name.
  Shape& Fixed(QType type, uint32_t ttl, size_t rdata_size, CountedSection section,
               uint16_t klass = 1) {
    U16(static_cast<uint16_t>(type)).U16(klass).U16(ttl >> 16).U16(ttl & 0xffff);
    return U16(rdata_size).Count(section);
  }
  Shape& A(size_t owner, uint32_t ttl, CountedSection section = kAn) {
    return Pointer(owner).Fixed(QType::kA, ttl, 4, section).Raw(kAddress);
  }

  size_t size() const { return octets_.size(); }
  bool HasRoom(size_t more, size_t limit = kLarge) const { return size() + more <= limit; }
  WireMessage Build() const { return octets_; }

 private:
  WireMessage octets_;
};

template <typename Step>
Shape Repeat(Shape shape, size_t step_size, size_t limit, Step step) {
  for (int i = 0; shape.HasRoom(step_size, limit); ++i) step(shape, i);
  return shape;
}

// Adds records whose owner names are each four labels and a pointer to the previous name. The last
// name has 127 labels, 255 octets and 31 pointers. Returns the offsets of the last two names.
std::vector<size_t> AddPointerLadder(Shape& shape, CountedSection section = kAr) {
  constexpr uint8_t kLabels[] = {1, 'a', 1, 'b', 1, 'c', 1, 'd'};
  std::vector<size_t> steps = {shape.size()};
  shape.Raw(Bytes(kLabels).first(6)).U8(0).Fixed(QType{65280}, 60, 0, section);
  for (int i = 0; i < 31; ++i) {
    const size_t target = steps.back();
    steps.push_back(shape.size());
    // 31 times 8 octets and 7 octets are 255.
    shape.Raw(kLabels).Pointer(target).Fixed(QType{65280}, 60, 0, section);
  }
  return {steps.end() - 2, steps.end()};
}

HostileMessage MakeHostile(std::string name, const Shape& shape) { return {name, shape.Build()}; }

// Returns a query with as many EDNS options of `data_size` octets as fit.
Shape QueryWithOptions(uint16_t code, size_t data_size, size_t limit) {
  Shape shape = Shape::Query();
  const size_t count = (limit - shape.size() - 11) / (4 + data_size);
  shape.U8(0).Fixed(QType::kOpt, 0, count * (4 + data_size), kAr, 1232);
  for (size_t i = 0; i < count; ++i) {
    shape.U16(code).U16(data_size).Raw(WireMessage(data_size, 0));
  }
  return shape;
}

Shape QueryWithName(Bytes name) { return Shape().Raw(name).U16(1).U16(1).Count(kQd); }

WireMessage Labels(int count, uint8_t size) {
  WireMessage name;
  for (int i = 0; i < count; ++i) {
    name.push_back(size);
    name.insert(name.end(), size, 'x');
  }
  name.push_back(0);
  return name;
}

void AddQueries(size_t limit, std::vector<HostileMessage>& list) {
  for (const int code : {3, 8, 10, 11, 12, 15, 65001}) {
    for (const size_t size : {0, 2, 8}) {
      list.push_back(MakeHostile(absl::StrCat("options-", code, "-of-", size),
                                 QueryWithOptions(static_cast<uint16_t>(code), size, limit)));
    }
  }
  const auto additional = [&](const char* name, QType type, size_t rdata_size, int owner_labels) {
    const WireMessage owner = Labels(owner_labels, 1);
    const WireMessage rdata(rdata_size, 0);
    list.push_back(MakeHostile(
        name, Repeat(Shape::Query(), owner.size() + 10 + rdata_size, limit, [&](Shape& shape, int) {
          shape.Raw(owner).Fixed(type, 0, rdata_size, kAr, 255).Raw(rdata);
        })));
  };
  additional("tsig-flood", QType::kTsig, 16, 0);
  additional("tsig-flood-empty", QType::kTsig, 0, 0);
  additional("sig-flood", QType::kSig, 19, 0);
  additional("opt-flood", QType::kOpt, 0, 0);
  additional("opt-flood-with-names", QType::kOpt, 0, 100);
  additional("txt-flood", QType::kTxt, 1, 0);
  list.push_back(MakeHostile(
      "txt-bomb",
      Shape::Query().U8(0).Fixed(QType::kTxt, 0, limit - 60, kAr).Raw(WireMessage(limit - 60, 0))));
  list.push_back(MakeHostile("questions", Repeat(Shape(), 21, limit, [](Shape& shape, int) {
                               shape.Question(QType::kA);
                             })));
  list.push_back(MakeHostile("answers", Repeat(Shape::Query(), 16, limit,
                                               [](Shape& shape, int) { shape.A(kQnameAt, 60); })));
  list.push_back(MakeHostile("trailing", Shape::Query().Raw(WireMessage(limit - 40, 0))));
  list.push_back(MakeHostile("all-counts", Shape::Query().Count(kAr, 65535).Count(kAn, 65535)));
  list.push_back(MakeHostile("additional-announced", Shape::Query().Count(kAr, 65535)));
  list.push_back(MakeHostile("pointers-in-qname", [&] {
    Shape shape = Shape().U8(1).U8('x');
    for (size_t target = 12; shape.HasRoom(2, limit) && target < 0x3fff; target += 2) {
      shape.Pointer(target);
    }
    return shape.Count(kQd);
  }()));
}

}  // namespace

std::vector<HostileMessage> SmallHostileQueries() {
  std::vector<HostileMessage> list;
  AddQueries(kSmall, list);
  const WireMessage self = {0xc0, 12};
  const WireMessage pair = {0xc0, 14, 0xc0, 12};
  list.push_back(MakeHostile("self-pointer", QueryWithName(self)));
  list.push_back(MakeHostile("pointer-pair", QueryWithName(pair)));
  for (const int count : {100, 126, 127, 128, 240}) {
    list.push_back(MakeHostile(absl::StrCat("labels-", count), QueryWithName(Labels(count, 1))));
  }
  for (const int count : {3, 4, 7}) {
    list.push_back(
        MakeHostile(absl::StrCat("long-labels-", count), QueryWithName(Labels(count, 62))));
  }
  list.push_back(MakeHostile("longest-name-and-options", [] {
    Shape shape = QueryWithName(Labels(127, 1));
    const size_t options = (kSmall - shape.size() - 11) / 4;
    shape.U8(0).Fixed(QType::kOpt, 0x8000, options * 4, kAr, 4096);
    for (size_t i = 0; i < options; ++i) shape.U16(65001).U16(0);
    return shape;
  }()));
  return list;
}

std::vector<HostileMessage> LargeHostileQueries() {
  std::vector<HostileMessage> list;
  AddQueries(4096, list);  // The largest query that is parsed.
  const size_t count = list.size();
  AddQueries(kLarge, list);
  for (size_t i = count; i < list.size(); ++i) list[i].name += "-64k";
  return list;
}

std::vector<HostileMessage> LargeHostileResponses() {
  std::vector<HostileMessage> list;
  const auto add = [&list](const char* name, const Shape& shape) {
    list.push_back(MakeHostile(name, shape));
  };
  for (const CountedSection section : {kAn, kNs, kAr}) {
    const auto same_ttls = [section](Shape& shape, int) { shape.A(kQnameAt, 60, section); };
    const auto other_ttls = [section](Shape& shape, int i) {
      shape.A(kQnameAt, static_cast<uint32_t>(i) * 2654435761u >> 8, section);
    };
    const std::string name = section == kAn   ? "answers"
                             : section == kNs ? "authority"
                                              : "additional";
    list.push_back(MakeHostile(name, Repeat(Shape::Response(), 16, kLarge, same_ttls)));
    list.push_back(MakeHostile(name + "-ttls", Repeat(Shape::Response(), 16, kLarge, other_ttls)));
    // Each record is an RRset of its own.
    list.push_back(MakeHostile(name + "-types", Repeat(Shape::Response().A(kQnameAt, 60), 12,
                                                       kLarge, [section](Shape& shape, int i) {
                                                         shape.Pointer(kQnameAt).Fixed(
                                                             QType(1000 + i), i, 0, section);
                                                       })));
  }
  add("root-owners", Repeat(Shape::Response().A(kQnameAt, 60), 11, kLarge, [](Shape& shape, int i) {
        shape.U8(0).Fixed(QType{65280}, i, 0, kNs);
      }));
  // After one answer: records whose owner names have 255 octets and 32 pointers.
  for (const size_t rdata_size : {0, 2}) {
    Shape shape = Shape::Response().A(kQnameAt, 60);
    const std::vector<size_t> names = AddPointerLadder(shape);
    const QType type = rdata_size == 0 ? QType{65280} : QType::kNs;
    add(rdata_size == 0 ? "pointer-ladder" : "pointer-ladder-twice",
        Repeat(shape, 12 + rdata_size, kLarge, [&](Shape& more, int i) {
          more.Pointer(names[i % 2]).Fixed(type, i, rdata_size, kAr);
          if (rdata_size != 0) more.Pointer(names[(i + 1) % 2]);
        }));
  }
  {
    // As many of those records as the work limit allows, then as many cheap records as fit.
    Shape shape = Shape::Response().A(kQnameAt, 60);
    const std::vector<size_t> names = AddPointerLadder(shape);
    for (int i = 0; i < 980; ++i) shape.Pointer(names[i % 2]).Fixed(QType{65280}, i, 0, kAr);
    add("pointer-ladder-and-more", Repeat(shape, 11, kLarge, [](Shape& more, int i) {
          more.U8(0).Fixed(QType{65280}, i, 0, kAr);
        }));
  }
  add("labels-by-pointer", [] {
    // Owner names of many labels that differ in the first label.
    Shape shape = Shape::Response().A(kQnameAt, 60);
    const size_t name = shape.size();
    shape.Raw(Labels(120, 1)).Fixed(QType{65280}, 60, 0, kAr);
    return Repeat(shape, 15, kLarge, [name](Shape& more, int i) {
      more.U8(2).U16(i).Pointer(name).Fixed(QType{65280}, i, 0, kAr);
    });
  }());
  for (const size_t strings : {4, 16, 24, 64, 256, 1024}) {
    list.push_back(MakeHostile(
        absl::StrCat("txt-of-", strings, "-strings"),
        Repeat(Shape::Response(QType::kTxt), 12 + strings, kLarge, [strings](Shape& shape, int i) {
          shape.Pointer(kQnameAt).Fixed(QType::kTxt, i, strings, kAn).Raw(WireMessage(strings, 0));
        })));
  }
  for (const size_t size : {0, 1}) {
    WireMessage strings;
    while (strings.size() < 65480) {
      strings.resize(strings.size() + size + 1);
      strings[strings.size() - size - 1] = static_cast<uint8_t>(size);
    }
    list.push_back(MakeHostile(absl::StrCat("txt-bomb-of-", size),
                               Shape::Response(QType::kTxt)
                                   .Pointer(kQnameAt)
                                   .Fixed(QType::kTxt, 60, strings.size(), kAn)
                                   .Raw(strings)));
  }
  add("hip-servers", [] {
    const WireMessage servers(65400, 0);
    return Shape::Response(QType{55})
        .Pointer(kQnameAt)
        .Fixed(QType{55}, 60, servers.size() + 4, kAn)
        .U16(0)
        .U16(0)
        .Raw(servers);
  }());
  add("tsig-flood", Repeat(Shape::Response().A(kQnameAt, 60), 27, kLarge, [](Shape& shape, int) {
        shape.U8(0).Fixed(QType::kTsig, 0, 16, kAr, 255).Raw(WireMessage(16, 0));
      }));
  add("opt-of-options", [] {
    Shape shape = Shape::Response().A(kQnameAt, 60);
    shape.U8(0).Fixed(QType::kOpt, 0, 65472, kAr, 1232);
    return Repeat(shape, 4, shape.size() + 65472, [](Shape& more, int) { more.U16(15).U16(0); });
  }());
  const auto proof = [&](const char* name, QType type, Bytes rdata, CountedSection section) {
    add(name, Repeat(Shape::Response().A(kQnameAt, 60), 12 + rdata.size(), kLarge,
                     [&](Shape& shape, int i) {
                       shape.Pointer(kQnameAt).Fixed(type, i, rdata.size(), section).Raw(rdata);
                     }));
  };
  WireMessage bitmaps = {0};
  for (int window = 0; window < 256; ++window) {
    bitmaps.insert(bitmaps.end(), {static_cast<uint8_t>(window), 1, 1});
  }
  proof("nsec-windows", QType::kNsec, bitmaps, kNs);
  const uint8_t small_nsec[] = {0, 0, 1, 1};
  proof("nsec-flood", QType::kNsec, small_nsec, kNs);
  WireMessage svcb = {0, 1, 0};
  for (int key = 0; key < 4000; ++key) {
    svcb.insert(svcb.end(), {static_cast<uint8_t>(key >> 8), static_cast<uint8_t>(key), 0, 0});
  }
  proof("svcb-params", QType::kHttps, svcb, kAr);
  WireMessage rrsig(18, 0);
  rrsig.insert(rrsig.end(), {0, 1});
  proof("rrsig-flood", QType::kRrsig, rrsig, kAn);
  rrsig.resize(18);
  const WireMessage signer = Labels(127, 1);
  rrsig.insert(rrsig.end(), signer.begin(), signer.end());
  rrsig.push_back(1);
  proof("rrsig-long-signers", QType::kRrsig, rrsig, kAn);
  rrsig.resize(18);
  rrsig.insert(rrsig.end(), {0, 1});
  StoreU16(rrsig.data(), static_cast<uint16_t>(QType::kDname));
  proof("rrsigs-of-dname", QType::kRrsig, rrsig, kAn);

  // RDATA with many fields in few octets.
  for (const auto& [type, fields_size] : std::vector<std::pair<int, size_t>>{
           {6, 22}, {13, 2}, {27, 3}, {35, 8}, {50, 6}, {51, 5}, {257, 2}}) {
    list.push_back(MakeHostile(
        absl::StrCat("fields-of-type-", type),
        Repeat(
            Shape::Response().A(kQnameAt, 60), 11 + fields_size, kLarge,
            [type = type, size = fields_size](Shape& shape, int i) {
              shape.U8(0).Fixed(static_cast<QType>(type), i, size, kNs).Raw(WireMessage(size, 0));
            })));
  }

  // A CNAME chain in reverse order, so that each of 32 passes finds its link at the end.
  add("cname-chain", [] {
    Shape shape = Shape::Response();
    return Repeat(shape, 18, kLarge, [](Shape& more, int i) {
      const int link = 3600 - i;
      more.U8(2).U16(0x4000 + link).U8(0).Fixed(QType::kCname, i, 4, kAn);
      more.U8(2).U16(0x4000 + link + 1).U8(0);
    });
  }());
  add("cname-chain-of-32-behind-junk", [] {
    Shape shape = Shape::Response();
    shape = Repeat(shape, 11, kLarge - 700,
                   [](Shape& more, int i) { more.U8(0).Fixed(QType{65280}, i, 0, kAn); });
    for (int link = 31; link >= 0; --link) {
      if (link == 0) {
        shape.Pointer(kQnameAt);
      } else {
        shape.U8(2).U16(0x4000 + link).U8(0);
      }
      shape.Fixed(QType::kCname, 60, 4, kAn).U8(2).U16(0x4000 + link + 1).U8(0);
    }
    return shape;
  }());
  // www.example.com is below "com". Each DNAME points to the owner of the next one.
  const auto with_dname_chain = [] {
    Shape shape = Shape::Response();
    for (int link = 31; link >= 0; --link) {
      if (link == 0) {
        shape.Raw(DomainName::FromText("com")->wire());
      } else {
        shape.U8(2).U16(0x4000 + link).U8(0);
      }
      shape.Fixed(QType::kDname, 60, 4, kAn).U8(2).U16(0x4000 + link + 1).U8(0);
    }
    return shape;
  };
  const auto cheap = [](Shape& shape, int i) { shape.U8(0).Fixed(QType{65280}, i, 0, kAn); };
  add("dname-chain", Repeat(with_dname_chain(), 11, kLarge, cheap));
  add("everything", [&] {
    // The DNAME chain, then long names and records with many fields, each up to its limit. The rest
    // is filled with cheap records.
    Shape shape = with_dname_chain();
    const std::vector<size_t> names = AddPointerLadder(shape, kAn);
    for (int i = 0; i < 950; ++i) shape.Pointer(names[i % 2]).Fixed(QType{65280}, i, 0, kAn);
    for (int i = 0; i < 1500; ++i) {
      shape.U8(0).Fixed(QType{51}, i, 5, kAn).Raw(WireMessage(5, 0));
    }
    return Repeat(shape, 11, kLarge, cheap);
  }());
  // Names in RDATA, and a glue record for each of them.
  add("mx-with-glue", [] {
    Shape shape = Shape::Response(QType::kMx);
    for (int i = 0; i < 1700; ++i) {
      shape.Pointer(kQnameAt).Fixed(QType::kMx, i, 7, kAn).U16(1).U8(2).U16(i).Pointer(kQnameAt);
    }
    for (int i = 0; shape.HasRoom(19); ++i) {
      shape.U8(2).U16(i).Pointer(kQnameAt).Fixed(QType::kA, i, 4, kAr).Raw(kAddress);
    }
    return shape;
  }());
  add("additional-names",
      Repeat(Shape::Response().A(kQnameAt, 60), 17, kLarge, [](Shape& shape, int i) {
        shape.Pointer(kQnameAt).Fixed(QType::kNs, i, 5, kAr);
        shape.U8(2).U16(i).Pointer(kQnameAt);
      }));
  return list;
}

}  // namespace dotcache
