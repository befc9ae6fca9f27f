# SPDX-License-Identifier: Apache-2.0
"""The container engine that scripts/container-engine run starts."""

import os
import subprocess

DOCKER = os.environ.get("DOTCACHE_DOCKER")
GATEWAY = os.environ.get("DOTCACHE_ENGINE_GATEWAY")  # This machine, as containers see it.


def docker(*arguments, check=True, **options):
    made = subprocess.run([DOCKER, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, **options)
    assert not check or made.returncode == 0, made.stdout.decode() + made.stderr.decode()
    return made


def build(tag, source, *arguments):
    """Builds an image; its Dockerfile's packages come over this machine's network."""
    docker("build", "--network", "host", "--tag", tag, *arguments, source,
           env=dict(os.environ, DOCKER_BUILDKIT="1"))
