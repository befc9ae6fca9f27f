// SPDX-License-Identifier: Apache-2.0
#include "cmd/config_value.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dotcache {
namespace {

constexpr size_t kMaxFileSize = size_t{1} << 20;
constexpr size_t kMaxDepth = 8;         // Lists and maps inside each other.
constexpr size_t kMaxValues = 100'000;  // Scalars, lists, maps and keys of maps.

// Counts what the documents of a file hold with their aliases written out, before anything builds
// them. Aliases of aliases can make a few hundred octets into many gigabytes.
class Measure : public YAML::EventHandler {
 public:
  bool has_content() const { return has_content_; }
  // The first line, from 1, at which a document exceeds a limit, and which one.
  const std::optional<std::pair<int, std::string>>& excess() const { return excess_; }
  // The line of the last part that was read, from 1.
  int line() const { return line_; }

  void OnDocumentStart(const YAML::Mark&) override {
    has_content_ = false;
    total_ = {};
    anchored_.clear();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { Add(mark, {1}, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    has_content_ = true;
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end()) {
      Exceed(mark, "an alias is inside the value that it repeats");
    } else {
      Add(mark, found->second, 0);
    }
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                const std::string& text) override {
    has_content_ = true;
    Add(mark, {1, text.size()}, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Size {
    size_t values = 0;
    size_t text = 0;
    size_t height = 0;  // Lists and maps inside each other.
  };
  // A list or map whose end has not been read.
  struct Part {
    YAML::anchor_t anchor;
    Size before;        // The total at its start.
    size_t height = 1;  // With what was read of it.
  };

  void Exceed(const YAML::Mark& mark, std::string message) {
    if (!excess_.has_value()) excess_ = {mark.line + 1, std::move(message)};
  }
  void Add(const YAML::Mark& mark, Size size, YAML::anchor_t anchor) {
    line_ = mark.line + 1;
    if (anchor != 0) anchored_[anchor] = size;
    if (excess_.has_value()) return;  // The sums stay small.
    total_.values += size.values;
    total_.text += size.text;
    Raise(size.height);
    if (open_.size() + size.height > kMaxDepth) Exceed(mark, "nested too deeply");
    if (total_.values > kMaxValues || total_.text > kMaxFileSize) {
      Exceed(mark, absl::StrCat("with its aliases written out, the file holds more than ",
                                kMaxValues, " values or 1 MiB of text"));
    }
  }
  void Open(const YAML::Mark& mark, YAML::anchor_t anchor) {
    has_content_ = true;
    open_.push_back({anchor, total_});
    Add(mark, {1}, 0);
  }
  void Close() {
    const Part part = open_.back();
    open_.pop_back();
    Raise(part.height);
    if (part.anchor == 0) return;
    anchored_[part.anchor] = {total_.values - part.before.values, total_.text - part.before.text,
                              part.height};
  }
  // The innermost open list or map has an element of this height.
  void Raise(size_t height) {
    if (!open_.empty()) open_.back().height = std::max(open_.back().height, height + 1);
  }

  bool has_content_ = false;
  int line_ = 1;
  Size total_;
  std::vector<Part> open_;
  absl::flat_hash_map<YAML::anchor_t, Size> anchored_;  // Of complete values.
  std::optional<std::pair<int, std::string>> excess_;
};

// True when the first document is followed by anything except one empty document. YAML::LoadAll()
// is not used, because after a stray closing bracket it finds documents without end.
bool HasSecondDocument(const std::string& text, Measure& measure) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  return parser.HandleNextDocument(measure) && parser.HandleNextDocument(measure) &&
         (measure.has_content() || parser.HandleNextDocument(measure));
}

// Turns YAML nodes into ConfigValues, collecting errors. Measure bounds its work and depth.
class Converter {
 public:
  Converter(const std::string& path, std::vector<ConfigError>& errors)
      : path_(path), errors_(errors) {}

  ConfigValue Convert(const YAML::Node& node) {
    ConfigValue value;
    value.origin = OriginOf(node);
    if (node.IsSequence()) {
      value.kind = ConfigValue::Kind::kList;
      for (const YAML::Node& element : node) value.list.push_back(Convert(element));
    } else if (node.IsMap()) {
      ConvertMap(node, value);
    } else if (node.IsScalar()) {
      value.scalar = node.Scalar();
    }
    return value;
  }

 private:
  void ConvertMap(const YAML::Node& node, ConfigValue& value) {
    value.kind = ConfigValue::Kind::kMap;
    absl::flat_hash_set<std::string> keys;
    for (const auto& pair : node) {
      const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "";
      const bool twice = !keys.insert(key).second;
      if (twice) errors_.push_back({OriginOf(pair.first), key, "is written twice; keep one"});
      ConfigValue converted = Convert(pair.second);
      // An empty value has no position of its own.
      if (!pair.second.IsDefined() || pair.second.IsNull()) {
        converted.origin = OriginOf(pair.first);
      }
      value.map.push_back({key, std::move(converted)});
    }
  }

  ConfigOrigin OriginOf(const YAML::Node& node) const {
    const YAML::Mark mark = node.Mark();
    return absl::StrCat(path_, ":", mark.line < 0 ? 1 : mark.line + 1);
  }

  const std::string& path_;
  std::vector<ConfigError>& errors_;
};

}  // namespace

ConfigValue ConfigValue::Scalar(absl::string_view text, absl::string_view origin) {
  ConfigValue value;
  value.origin = std::string(origin);
  value.scalar = std::string(text);
  return value;
}

ConfigValue ConfigValue::List(const std::vector<std::string>& texts, absl::string_view origin) {
  ConfigValue value;
  value.kind = Kind::kList;
  value.origin = std::string(origin);
  for (const std::string& text : texts) value.list.push_back(Scalar(text, origin));
  return value;
}

ConfigValue ConfigValue::CommaList(absl::string_view text, absl::string_view origin) {
  std::vector<std::string> texts = absl::StrSplit(text, ',');
  for (std::string& each : texts) absl::StripAsciiWhitespace(&each);
  return List(texts, origin);
}

std::vector<const ConfigValue*> ConfigValue::Elements() const {
  if (kind != Kind::kList) return {this};
  std::vector<const ConfigValue*> elements;
  for (const ConfigValue& element : list) elements.push_back(&element);
  return elements;
}

std::string ConfigError::ToString() const {
  return key.empty() ? absl::StrCat(origin, ": ", message)
                     : absl::StrCat(origin, ": ", key, ": ", message);
}

ConfigFile ReadConfigFile(const std::string& path) {
  ConfigFile file;
  file.root.kind = ConfigValue::Kind::kMap;
  const auto fail = [&file](ConfigOrigin origin, std::string message) {
    file.errors.push_back({std::move(origin), "", std::move(message)});
    return file;
  };
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
  std::string text(kMaxFileSize + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return fail(path, "cannot be read: it is a directory, or the disk failed");
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kMaxFileSize) return fail(path, "is larger than 1 MiB");
  Measure measure;
  try {
    if (HasSecondDocument(text, measure)) {
      return fail(path, "has more than one YAML document; keep one");
    }
    if (measure.excess().has_value()) {
      const auto& [line, message] = *measure.excess();
      return fail(absl::StrCat(path, ":", line), message);
    }
    const YAML::Node document = YAML::Load(text);
    if (document.IsNull()) return file;  // Empty: all defaults.
    if (!document.IsMap()) {
      return fail(absl::StrCat(path, ":1"), "must hold `key: value` lines at its top level");
    }
    file.root = Converter(path, file.errors).Convert(document);
  } catch (const YAML::Exception& e) {
    return fail(absl::StrCat(path, ":", e.mark.line + 1), absl::StrCat("is not YAML: ", e.msg));
  } catch (const std::bad_alloc&) {
    file.root.map.clear();
    return fail(absl::StrCat(path, ":", measure.line()), "there is not enough memory to read on");
  }
  return file;
}

}  // namespace dotcache
