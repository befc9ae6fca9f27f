# SPDX-License-Identifier: Apache-2.0
"""Prints groups of C++ sources that can be compiled as one: GROUP SOURCE on each line.

  cmake/groups.py SOURCE...

No name is defined at file scope by two sources of a group. A test is alone if it gives a function
the name of a type of the project. So is a source that includes Linux's own headers, because they
contradict those of the C library. A group has at most MAX_LINES lines, so that all processors have
work until the end.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MAX_LINES = 2000
TYPE = re.compile(r"^(?:class|struct|enum class) (\w+)", re.MULTILINE)
# Code inside of namespaces is not indented. A name that is qualified with '::' belongs to a class.
DEFINITION = re.compile(r"(?:using (?=\w+ =)|#define |MATCHER\w*\()(\w+)|"
                        r"(?!namespace|using|TEST|template|friend|INSTANTIATE)\w[^(={;\[]*?(?<!:)\b(\w+)(?: final)?"
                        r" *(?:[(={;\[]|:[^:])")


class Group:
    def __init__(self):
        self.sources, self.names, self.lines = [], set(), 0

    def fits(self, names, lines):
        return not self.names & names and self.lines + lines <= MAX_LINES

    def add(self, source, names, lines):
        self.sources.append(source)
        self.names |= names
        self.lines += lines


def names_of(text):
    found = (DEFINITION.match(line) for line in text.splitlines())
    return {match[1] or match[2] for match in found if match}


def types_of_the_project():
    headers = [header for folder in ROOT.iterdir() if folder.name != "build" and folder.is_dir()
               for header in folder.rglob("*.h")]
    return {name for header in headers
            for name in TYPE.findall(header.read_text(encoding="utf-8"))}


def main():
    groups, types = [], types_of_the_project()
    for source in sys.argv[1:]:
        text = pathlib.Path(source).read_text(encoding="utf-8")
        names, lines = names_of(text), text.count("\n")
        hides_type = "/tests/" in source and (names - set(TYPE.findall(text))) & types
        if "#include <linux/" in text or hides_type:
            continue
        group = next((group for group in groups if group.fits(names, lines)), None)
        if group is None:
            group = Group()
            groups.append(group)
        group.add(source, names, lines)
    for number, group in enumerate(groups):
        for source in group.sources:
            if len(group.sources) > 1:
                print(number, source)


main()
