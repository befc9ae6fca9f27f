# SPDX-License-Identifier: Apache-2.0
"""Converts the zone files of zones/ into files that every server can load."""

import pathlib
import re
import shutil
import subprocess

SOURCES = pathlib.Path(__file__).parent / "zones"
SIGNED = "signed.example."
# From the leaf to the root.
ZONES = ("lab.example.", SIGNED, "18.198.in-addr.arpa.", ".")


def source_file(zone):
    return SOURCES / ("root.zone" if zone == "." else zone + "zone")


def build_zones(directory):
    """Writes the zones into `directory`, checked and with $GENERATE expanded, and signs one of
    them.

    Returns {zone: file}, and the file with the DS records of the signed zone.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    files = {}
    for zone in ZONES:
        files[zone] = directory / source_file(zone).name
        _run("named-compilezone", "-i", "none", "-k", "ignore", "-M", "ignore", "-S", "ignore",
             "-o", files[zone], zone, source_file(zone))
    files[SIGNED], trust_anchor = sign_zone(directory, SIGNED, files[SIGNED])
    return files, trust_anchor


def sign_zone(directory, zone, file):
    """Signs a zone file with new keys. Returns the signed file, and the file with its DS records."""
    keys = directory / "keys"
    shutil.rmtree(keys, ignore_errors=True)
    keys.mkdir()
    for flag in ([], ["-f", "KSK"]):
        _run("dnssec-keygen", "-q", "-K", keys, "-a", "ECDSAP256SHA256", *flag, zone)
    signed = file.with_suffix(".zone.signed")
    # -S finds the keys, -P skips the check of the new signatures.
    _run("dnssec-signzone", "-q", "-S", "-P", "-K", keys, "-d", directory, "-o", zone, "-f", signed,
         file)
    return signed, directory / f"dsset-{zone}"


def host_names():
    """Returns the names that benchmarks and load tests use."""
    return [f"host-{number}.lab.example." for number in range(1, 1001)]


def names_and_types(zone):
    """Returns the unique [(owner, type)] of a zone file, as text."""
    pairs = []
    for line in source_file(zone).read_text().splitlines():
        if not line or line[0] in ";$":
            match = re.match(r"\$GENERATE \S+\s+(\S+)\s+(\S+) ", line)
            if not match or "$" in match[1]:
                continue
            owner, words = match[1], [match[2]]
        else:
            owner, *words = line.split()
        rr_type = next(word for word in words if not word.isdigit())
        name = zone if owner == "@" else f"{owner}.{zone}".replace("..", ".")
        if (name, rr_type) not in pairs:
            pairs.append((name, rr_type))
    return pairs


def _run(*command):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
