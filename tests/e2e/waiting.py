# SPDX-License-Identifier: Apache-2.0
"""Waits for a condition. The time limit is reached only after a failure."""

import time

LIMIT_SECONDS = 60


def wait_for(condition, what, seconds=LIMIT_SECONDS):
    """Waits until `condition()` is true. Fails with `what`, a text or a function that returns one.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.01)
