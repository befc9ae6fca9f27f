# SPDX-License-Identifier: Apache-2.0
"""Every source names its licence in its first lines."""

from finding import Finding

LINE = "SPDX-License-Identifier: Apache-2.0"
SUFFIXES = (".cc", ".h", ".py", ".cmake", ".yaml", ".yml", ".service", ".sh")
NAMES = ("CMakeLists.txt", "Dockerfile")
LOOKED_AT = 3  # Lines; a script has its interpreter in the first.


def _is_source(tree, path):
    name = path.rsplit("/", 1)[-1]
    if name.endswith(SUFFIXES) or name in NAMES:
        return True
    return "." not in name.lstrip(".") and tree.text(path).startswith("#!")


def findings(tree):
    for path in tree.files:
        if _is_source(tree, path) and not any(LINE in x for x in tree.lines(path)[:LOOKED_AT]):
            yield Finding(path, 1, f"'{LINE}' is missing from the first {LOOKED_AT} lines")
