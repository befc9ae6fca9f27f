# SPDX-License-Identifier: Apache-2.0
"""The rules by name. A rule is a function from a SourceTree to the findings in it."""

from rules import (callers, class_sizes, clocks, file_names, file_sizes, includes, licences,
                   line_lengths, plain_words, unit_tests)

RULES = {
    "includes": includes.findings,
    "file_sizes": file_sizes.findings,
    "class_sizes": class_sizes.findings,
    "clocks": clocks.findings,
    "callers": callers.findings,
    "unit_tests": unit_tests.findings,
    "licences": licences.findings,
    "line_lengths": line_lengths.findings,
    "plain_words": plain_words.findings,
    "file_names": file_names.findings,
}
