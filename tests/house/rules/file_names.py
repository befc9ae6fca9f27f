# SPDX-License-Identifier: Apache-2.0
"""Names of C++ and Python sources are snake_case."""

import re

from finding import Finding

SNAKE_CASE = re.compile(r"[a-z_][a-z0-9_]*\.\w+")


def findings(tree):
    for path in tree.files:
        name = path.rsplit("/", 1)[-1]
        if name.endswith((".cc", ".h", ".py", ".cmake")) and not SNAKE_CASE.fullmatch(name):
            yield Finding(path, 1, "names of sources are lower case with '_' between words")
