# SPDX-License-Identifier: Apache-2.0
"""The container engine that scripts/container-engine run starts."""

import os
import subprocess

DOCKER = os.environ.get("DOTCACHE_DOCKER")
# The address of this machine inside containers.
GATEWAY = os.environ.get("DOTCACHE_ENGINE_GATEWAY")


def docker(*arguments, check=True, **options):
    made = subprocess.run([DOCKER, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, **options)
    assert not check or made.returncode == 0, made.stdout.decode() + made.stderr.decode()
    return made


def build(tag, source, *arguments):
    """Builds an image. Packages are downloaded over this machine's network."""
    docker("build", "--network", "host", "--tag", tag, *arguments, source,
           env=dict(os.environ, DOCKER_BUILDKIT="1"))
