# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window, driven by the DevTools protocol over two pipes."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PROGRAM = "chromium"
ANSWER_SECONDS = 60
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--no-pings",
    # Whatever the browser itself wants to reach does not exist.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--remote-debugging-pipe"]


def is_installed():
    return shutil.which(PROGRAM) is not None


class Browser:
    """One page, between __enter__ and __exit__. `requests` are the URLs that it has requested, and
    `problems` the errors in its console."""

    def __init__(self):
        self.requests, self.problems = [], []
        self._next_id, self._buffer, self._session = 0, b"", None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True))
            read_end, self._out = os.pipe()
            self._in, write_end = os.pipe()
            with open(os.path.join(folder, "log"), "wb") as log:
                self._process = subprocess.Popen(
                    ["bash", "-c", f'exec "$@" 3<&{read_end} 4>&{write_end}', "bash", "setpriv",
                     "--pdeathsig", "KILL", PROGRAM, *FLAGS, f"--user-data-dir={folder}",
                     "about:blank"],
                    stdout=log, stderr=log, pass_fds=(read_end, write_end),
                    env=os.environ | {"HOME": folder}, start_new_session=True)
            os.close(read_end)
            os.close(write_end)
            stack.callback(self._end)
            pages = self.call("Target.getTargets")["targetInfos"]
            target = next(page["targetId"] for page in pages if page["type"] == "page")
            self._session = self.call("Target.attachToTarget", targetId=target,
                                      flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Runtime", "Log"):
                self.call(f"{domain}.enable")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, 9)
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method, **parameters):
        """Calls a method of the protocol, and returns its result."""
        self._next_id += 1
        message = {"id": self._next_id, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self._read(deadline)
            if answer.get("id") == self._next_id:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self, deadline):
        while b"\0" not in self._buffer:
            readable, _, _ = select.select([self._in], [], [], deadline - time.monotonic())
            assert readable, "the browser does not answer"
            octets = os.read(self._in, 1 << 20)
            assert octets, "the browser has ended"
            self._buffer += octets
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(text)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, method, event):
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(event["exceptionDetails"])
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("warning", "error"):
            self.problems.append(event["entry"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("warning", "error"):
            self.problems.append(event)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def evaluate(self, expression):
        """Returns the value of a JavaScript expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self, selector):
        """The text of the first element, or an empty text."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText") or ""

    def press(self, key, code):
        for kind in ("rawKeyDown", "char", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, text="\r" if key == "Enter" else "")

    def look(self, width, height, dark=False, phone=False):
        """Uses a screen of this size, and light or dark colours."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
