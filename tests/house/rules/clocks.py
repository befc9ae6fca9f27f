# SPDX-License-Identifier: Apache-2.0
"""Production reads the system's clocks in two files of net/; neither it nor a C++ test sleeps."""

import re

from finding import Finding

HOMES = ("net/boot_clock.cc", "net/uv_loop.cc")
# Times in log lines are spdlog's, the dates of certificates are checked by GnuTLS.
CLOCK = re.compile(
    r"\b\w+_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|\buv_(?:hrtime|now|gettimeofday)\b"
    r"|\b(?:localtime|gmtime|mktime|ftime)\w*\s*\(|(?<![\w.>])(?:std::)?time\s*\("
    r"|\babsl::(?:Now|GetCurrentTimeNanos)\b")
SLEEP = re.compile(r"\bsleep_(?:for|until)\b|(?<![\w.>])(?:u|nano|clock_nano|uv_)?sleep\s*\("
                   r"|\babsl::SleepFor\b")


def _matches(tree, path, pattern):
    for number, line in enumerate(tree.code(path).splitlines(), 1):
        match = pattern.search(line)
        if match:
            yield number, match[0].strip(" (")


def findings(tree):
    for path in tree.production():
        if path not in HOMES:
            for number, call in _matches(tree, path, CLOCK):
                yield Finding(path, number, f"{call}: take `MonoTime now`, or BootTime() of net/")
    for path in tree.production() + tree.cpp("tests", "bench"):
        for number, call in _matches(tree, path, SLEEP):
            yield Finding(path, number, f"{call}: wait for an event, not for time")
