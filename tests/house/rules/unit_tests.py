# SPDX-License-Identifier: Apache-2.0
"""Every unit has a test of its name: tests/FOLDER/X_test.cc for FOLDER/X.cc or X.h with code."""

import posixpath

from finding import Finding
from rules.callers import run_ctags


def units(tree):
    """Returns the path of each unit: its source, or its header where that holds all the code."""
    sources = tree.production(".cc")
    alone = [path for path in tree.production(".h")
             if posixpath.splitext(path)[0] + ".cc" not in sources]
    with_code = {tag["path"] for tag in run_ctags(tree, alone) if tag["kind"] == "function"} \
        if alone else set()
    return sources + sorted(with_code)


def findings(tree):
    files = set(tree.files)
    for path in units(tree):
        test = f"tests/{posixpath.splitext(path)[0]}_test.cc"
        if test not in files:
            yield Finding(path, 1, f"has no {test}")
