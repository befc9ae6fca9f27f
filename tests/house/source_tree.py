# SPDX-License-Identifier: Apache-2.0
"""The files of the repository as the rules see them."""

import os
import pathlib
import re

# The folders that the program is built from, the lowest floor first.
PRODUCTION = ("core", "dns", "net", "cache", "upstream", "local", "query_log", "answer", "server",
              "admin", "cmd")
SKIPPED_FOLDERS = {".git", ".lab", ".pytest_cache", ".venv", "__pycache__", "build", "corpus"}

COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|(?P<raw>R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)")'
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def _blank(match):
    return re.sub(r"[^\n]", " ", match[0])


class SourceTree:
    """Reads each file once. Paths are relative to the root, with '/'."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self._texts = {}
        self.files = sorted(self._walk())

    def _walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            for name in names:
                path = pathlib.Path(folder, name)
                if not path.is_symlink():
                    yield path.relative_to(self.root).as_posix()

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_bytes().decode(errors="replace")
        return self._texts[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def code(self, path):
        """The C++ text with comments and literals blanked; lines keep their numbers."""
        return COMMENT_OR_LITERAL.sub(_blank, self.text(path))

    def production(self, *suffixes):
        """Production sources with one of these suffixes; of no suffix given, C++ sources."""
        return self.cpp(*PRODUCTION, suffixes=suffixes or (".h", ".cc"))

    def cpp(self, *folders, suffixes=(".h", ".cc")):
        return [path for path in self.files
                if path.split("/")[0] in folders and path.endswith(suffixes)]
