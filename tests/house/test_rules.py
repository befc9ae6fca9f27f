# SPDX-License-Identifier: Apache-2.0
"""Proves that each rule fails: a small tree that breaks it, and what is found there."""

import importlib.machinery
import importlib.util
import pathlib
import re

import pytest

from rules import RULES
from source_tree import SourceTree

HERE = pathlib.Path(__file__).parent
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def load_check():
    loader = importlib.machinery.SourceFileLoader("check", str(HERE / "check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", loader))
    loader.exec_module(module)
    return module


check = load_check()


@pytest.fixture(name="write")
def fixture_write(tmp_path):
    def write(files):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return SourceTree(tmp_path)
    return write


def found(rule, tree):
    return [f"{finding.subject}:{finding.line}" for finding in RULES[rule](tree)]


def test_an_include_upwards_is_found(write):
    tree = write({"dns/a.h": '#include "core/b.h"\n#include "server/c.h"\n'})
    assert found("includes", tree) == ["dns/a.h:2"]


def test_a_library_away_from_its_home_is_found(write):
    tree = write({"net/a.cc": "#include <uv.h>\n", "server/a.cc": "#include <uv.h>\n"})
    assert found("includes", tree) == ["server/a.cc:1"]


def test_the_steps_of_a_query_know_no_socket(write):
    tree = write({"answer/a.cc": '#include "net/endpoint.h"\n#include "net/udp_socket.h"\n'})
    assert found("includes", tree) == ["answer/a.cc:2"]


def test_a_library_without_a_home_is_found(write):
    tree = write({"net/a.cc": '#include "absl/strings/str_cat.h"\n#include "boost/any.hpp"\n'})
    assert found("includes", tree) == ["net/a.cc:2"]


def test_production_that_includes_tests_is_found(write):
    tree = write({"net/a.cc": '#include "tests/support/b.h"\n'})
    assert found("includes", tree) == ["net/a.cc:1"]


def test_a_long_source_and_a_long_header_are_found(write):
    tree = write({"dns/a.cc": "\n" * 401, "dns/b.cc": "\n" * 400,
                  "dns/a.h": "\n" * 151, "dns/b.h": "\n" * 150})
    assert found("file_sizes", tree) == ["dns/a.cc:401", "dns/a.h:151"]


@pytest.mark.parametrize("call", [
    "std::chrono::steady_clock::now()", "std::chrono::system_clock::now()", "time(nullptr)",
    "std::time(nullptr)", "clock_gettime(CLOCK_MONOTONIC, &t)", "gettimeofday(&t, nullptr)",
    "localtime_r(&t, &tm)", "uv_hrtime()", "absl::Now()"])
def test_a_clock_away_from_its_home_is_found(write, call):
    text = f"void F() {{ {call}; }}\n"
    tree = write({"net/boot_clock.cc": text, "server/a.cc": text})
    assert found("clocks", tree) == ["server/a.cc:1"]


@pytest.mark.parametrize("text", [
    "// time(nullptr) is not called.\n", 'Log("time(nullptr)");\n', "loop.time(1);\n",
    "SetTime(1);\n", "/* gettimeofday */\n"])
def test_what_reads_no_clock_is_not_found(write, text):
    assert found("clocks", write({"server/a.cc": text})) == []


@pytest.mark.parametrize("call", [
    "std::this_thread::sleep_for(s)", "usleep(1)", "nanosleep(&t, nullptr)", "sleep(1)"])
@pytest.mark.parametrize("path", ["server/a.cc", "tests/server/a_test.cc", "bench/a.cc"])
def test_a_sleep_is_found(write, call, path):
    assert found("clocks", write({path: f"void F() {{ {call}; }}\n"})) == [f"{path}:1"]


HEADER = """namespace x {
void Used();
void Unused();
class A {
 public:
  A();
  void Called() const;
  void NotCalled();
  int value() const { return value_; }
  int other_value() const { return Own(); }
  bool operator==(const A&) const;
  virtual void Interface();

 private:
  void Private();
  struct Inner { void Hidden(); };
};
class B : public A {
 public:
  void Interface() override;
};
}
"""
SOURCE = """#include "dns/a.h"
namespace x {
void Used() {}
void Unused() {}
void A::Called() const {}
void A::NotCalled() {}  // Unused() NotCalled()
}
"""
CALLER = """#include "dns/a.h"
int F(const x::A& a, x::A* b) { x::Used(); a.Called(); b->Interface(); return a.value(); }
"""


def test_a_public_function_without_a_caller_is_found(write):
    tree = write({"dns/a.h": HEADER, "dns/a.cc": SOURCE, "server/b.cc": CALLER,
                  "tests/dns/a_test.cc": "void T() { x::Unused(); A().NotCalled(); }\n"})
    assert found("callers", tree) == [
        "dns/a.h:Unused:3", "dns/a.h:NotCalled:8", "dns/a.h:other_value:10"]


def test_a_call_in_a_file_that_does_not_include_the_header_is_of_another_function(write):
    tree = write({"dns/a.h": "struct A { int size(); };\n",
                  "server/b.cc": "int F(const B& b) { return b.size(); }\n"})
    assert found("callers", tree) == ["dns/a.h:size:1"]
    tree = write({"server/b.cc": '#include "dns/a.h"\nint F(A a) { return a.size(); }\n'})
    assert found("callers", tree) == []


def test_a_class_with_too_many_functions_or_members_is_found(write):
    functions = "".join(f"  int F{i}();\n" for i in range(15))
    members = "".join(f"  int m{i}_;\n" for i in range(15))
    text = (f"class A {{\n public:\n  A();\n  ~A();\n  A& operator=(const A&);\n{functions}{{}}"
            f"  int F1(int);\n private:\n  int Private();\n  static constexpr int kOne = 1;\n"
            f"{members}}};\nstruct B {{\n{members}  int more;\n}};\n")
    assert found("class_sizes", write({"dns/a.h": text.replace("{}", "")})) == []
    assert found("class_sizes", write({"dns/a.h": text.replace("{}", "  int More();\n")})) == [
        "dns/a.h:A:1"]
    assert found("class_sizes", write({"dns/a.h": text.replace("{}", "").replace(
        " private:\n", " private:\n  int more_;\n")})) == ["dns/a.h:A:1"]


def test_a_unit_without_a_test_is_found(write):
    tree = write({"dns/a.cc": "", "dns/a.h": "inline int F() { return 1; }\n",
                  "dns/b.cc": "", "tests/dns/b_test.cc": "",
                  "dns/c.h": "inline int F() { return 1; }\n",
                  "dns/options.h": "struct Options { int size = 1; };\n"})
    assert found("unit_tests", tree) == ["dns/a.cc:1", "dns/c.h:1"]


def test_a_source_without_its_licence_is_found(write):
    tree = write({"dns/a.cc": "int a;\n", "dns/b.cc": f"// {LICENCE}\n", "scripts/a": "#!/bin/sh\n",
                  "scripts/b": f"#!/bin/sh\n# {LICENCE}\n", "deploy/a.yaml": "a: b\n",
                  "Dockerfile": "FROM x\n", "docs/a.md": "text\n"})
    assert found("licences", tree) == ["Dockerfile:1", "deploy/a.yaml:1", "dns/a.cc:1",
                                       "scripts/a:1"]


def test_a_long_line_of_prose_is_found(write):
    long = "x" * 121
    tree = write({"a.md": f"{long}\n\n| {long} |\n\n```\n{long}\n```\n- [a](https://{long})\n"
                          f"{long[:120]}\nagain {long}\n\n    code {long}\n"})
    assert found("line_lengths", tree) == ["a.md:1", "a.md:10"]


def test_a_phrase_that_hides_the_subject_is_found(write):
    tree = write({"docs/a.md": "Plain.\nNobody answers.\n", "dns/a.h": "// True, but for a CNAME.\n",
                  "tests/a.py": "a = 1  # asked in vain\n",
                  "CMakeLists.txt": "# Whoever builds.\n"})
    assert found("plain_words", tree) == ["CMakeLists.txt:1", "dns/a.h:1", "docs/a.md:2",
                                          "tests/a.py:1"]


@pytest.mark.parametrize("path,text", [
    ("docs/a.md", "`nobody` is a user.\n"), ("dns/a.cc", 'Log("nobody");\n'),
    ("dns/a.cc", "int nobody = 0;\n"), ("dns/a.cc", "// RNAME is nobody.invalid.\n"),
    ("dns/a.cc", 'Log("// nobody");\n'), ("tests/a.py", 'a = "# nobody"\n')])
def test_code_names_and_literals_are_not_prose(write, path, text):
    assert found("plain_words", write({path: text})) == []


def test_a_source_name_that_is_not_snake_case_is_found(write):
    tree = write({"dns/a-b.cc": "", "dns/AB.h": "", "dns/a_b.cc": "", "docs/A-b.md": ""})
    assert found("file_names", tree) == ["dns/AB.h:1", "dns/a-b.cc:1"]


def test_each_rule_has_a_test_and_a_ctest_entry():
    tests = set(re.findall(r'found\("(\w+)"', pathlib.Path(__file__).read_text()))
    entries = set(re.findall(r"^house_rule\(\S+ (\w+)\)", (HERE / "CMakeLists.txt").read_text(),
                             re.MULTILINE))
    assert tests == entries == set(RULES)


def run(write, exceptions, capsys):
    tree = write({"dns/a.cc": "\n" * 401, "tests/house/exceptions.txt": exceptions})
    breaches = check.run(tree.root, ["file_sizes"])
    return breaches, capsys.readouterr().out


def test_a_breach_fails(write, capsys):
    breaches, output = run(write, "", capsys)
    assert breaches == 1
    assert "dns/a.cc:401: 401 lines; the limit is 400" in output


@pytest.mark.parametrize("subject", ["dns/a.cc", "dns/"])
def test_an_exception_covers_a_file_or_a_folder(write, capsys, subject):
    breaches, output = run(write, f"file_sizes  {subject}  a reason\n", capsys)
    assert breaches == 0
    assert "file_sizes: 0 breaches, 1 excepted" in output


def test_an_exception_of_another_rule_covers_nothing(write, capsys):
    assert run(write, "clocks  dns/a.cc  a reason\n", capsys)[0] == 1


def test_an_exception_that_is_not_needed_fails(write, capsys):
    exceptions = "file_sizes  dns/  a reason\nfile_sizes  net/b.cc  another\n"
    breaches, output = run(write, exceptions, capsys)
    assert breaches == 1
    assert "exceptions.txt:2: no longer needed: file_sizes net/b.cc" in output


def test_an_exception_of_an_unknown_rule_fails(write, capsys):
    breaches, output = run(write, "file_sizes  dns/  a reason\nsizes  dns/a.cc  b\n", capsys)
    assert breaches == 1
    assert "exceptions.txt:2: there is no rule 'sizes'" in output


def test_an_exception_without_a_reason_is_refused(write, capsys):
    with pytest.raises(ValueError, match="exceptions.txt:1: expected 'RULE SUBJECT REASON'"):
        run(write, "file_sizes  dns/\n", capsys)
