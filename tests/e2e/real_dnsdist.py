# SPDX-License-Identifier: Apache-2.0
"""A real dnsdist that answers each query with an address over DoT, with limits of its own."""

import contextlib
import shutil
import subprocess

from ask import ADDRESS
from lab.lab import PROVIDER_NAME, free_port
from lab.servers import SEARCH_PATH

CONFIG = """
addTLSLocal('{address}:{port}', '{certificate}', '{key}')
setLocal('{address}:{classic_port}')
addAction(AllRule(), SpoofAction({{'192.0.2.1'}}))
"""


@contextlib.contextmanager
def dnsdist(lab, directory, limit):
    """Yields the URL of one with this line of configuration, as an upstream."""
    binary = shutil.which("dnsdist", path=SEARCH_PATH)
    assert binary, "scripts/install-packages lab installs dnsdist"
    certificate, key = lab.provider
    port = free_port()
    config = directory / f"dnsdist-{port}.conf"
    config.write_text(limit + CONFIG.format(address=ADDRESS, port=port, certificate=certificate,
                                            key=key, classic_port=free_port()))
    with open(directory / f"dnsdist-{port}.log", "wb") as log:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", binary, "--supervised",
                                    "--disable-syslog", "-C", config], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log)
    try:
        yield f"tls://{ADDRESS}:{port}#{PROVIDER_NAME}"
    finally:
        process.kill()
        process.wait()
