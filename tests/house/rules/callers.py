# SPDX-License-Identifier: Apache-2.0
"""Every public function of a production header has a caller in production.

Functions are found by universal-ctags, callers by name: a use counts in a file that includes the
header, directly or not, and has the form of a call of that kind (`.Name` or `Class::Name` for a
member, no `.` for a free function). A name that many types have, such as size(), may hide a function
without a caller. A function that is called is never reported.
"""

import collections
import functools
import json
import posixpath
import re
import subprocess

from finding import Finding
from rules.includes import INCLUDE

# Called by name in a library's templates, or by a range-based for.
CALLED_BY_LIBRARIES = {"AbslHashValue", "AbslStringify", "begin", "end"}
MACRO = re.compile(r"\b(ABSL_\w+)\b(\s*\()?")
WORD = re.compile(r"[A-Za-z_]\w*")


def run_ctags(tree, paths):
    """Returns the tags of functions, classes and members in these files."""
    macros = {match.groups() for path in paths for match in MACRO.finditer(tree.code(path))}
    options = ["--output-format=json", "--c++-kinds=pfcsm", "--language-force=C++",
               "--fields=+aKnS", "--fields-C++=+{properties}", "-f", "-", "-L", "-"]
    for name, has_arguments in sorted(macros, key=str):
        options += ["-D", f"{name}(x)=" if has_arguments else f"{name}="]
    result = subprocess.run(["ctags", "--options=NONE", *options], cwd=tree.root, check=True,
                            input="\n".join(paths), capture_output=True, text=True)
    tags = [json.loads(line) for line in result.stdout.splitlines()]
    return sorted((tag for tag in tags if tag.get("_type") == "tag"),
                  key=lambda tag: (tag["path"], tag["line"]))


def private_classes(tags):
    """Returns the full names of the classes that only their owner can name."""
    return {f"{tag.get('scope', '')}::{tag['name']}" for tag in tags
            if tag["kind"] in ("class", "struct") and tag.get("access") in ("private", "protected")}


def is_public_function(tag, private):
    """True for functions that other files can call by their name."""
    name, scope = tag["name"], tag.get("scope", "")
    if tag["kind"] not in ("function", "prototype") or not tag["path"].endswith(".h"):
        return False
    if tag.get("access") in ("private", "protected") or not WORD.fullmatch(name):
        return False
    if name.startswith("__anon") or name == scope.split("::")[-1]:  # A lambda; a constructor.
        return False
    if "override" in tag.get("properties", "") or name in CALLED_BY_LIBRARIES:
        return False  # Called through the interface, whose declaration is looked at.
    parts = scope.split("::")
    return not any("::".join(parts[:end]) in private for end in range(1, len(parts) + 1))


class Uses:
    """Where names are used, other than where they are declared or defined."""

    def __init__(self, tree, paths, tags):
        self.tree = tree
        self.paths = paths
        declared = {(tag["path"], tag["line"], tag["name"]) for tag in tags}
        self.by_name = collections.defaultdict(lambda: collections.defaultdict(set))
        for path in paths:
            for number, line in enumerate(tree.code(path).splitlines(), 1):
                for word in WORD.finditer(line):
                    if (path, number, word[0]) not in declared:
                        self.by_name[word[0]][path].add(self._form(line[:word.start()]))

    @staticmethod
    def _form(before):
        before = before.rstrip()
        if before.endswith((".", "->")):
            return "member"
        return "qualified" if before.endswith("::") else "bare"

    @functools.cache
    def included(self, path):
        """The production headers that `path` includes, directly or not, and itself."""
        headers = {path}
        for line in self.tree.lines(path):
            match = INCLUDE.match(line)
            if match and match[2] in self.paths:
                headers |= self.included(match[2])
        return frozenset(headers)

    def is_called(self, tag):
        is_member = tag.get("scopeKind") in ("class", "struct")
        own_source = posixpath.splitext(tag["path"])[0] + ".cc"
        for path, forms in self.by_name[tag["name"]].items():
            if tag["path"] not in self.included(path):
                continue
            if not is_member:
                if forms & {"bare", "qualified"}:
                    return True
            # A bare name is a call only inside the class, and of those that derive from it.
            elif forms & {"member", "qualified"} or path in (tag["path"], own_source):
                return True
        return False


def findings(tree):
    paths = tree.production()
    if not paths:
        return
    tags = run_ctags(tree, paths)
    private = private_classes(tags)
    uses = Uses(tree, paths, tags)
    for tag in tags:
        if is_public_function(tag, private) and not uses.is_called(tag):
            yield Finding(tag["path"], tag["line"],
                          f"{tag['name']}() has no caller outside tests", tag["name"])
