# SPDX-License-Identifier: Apache-2.0
"""The certificates of the providers: a valid one and invalid ones."""

from lab import certificates
import subjects


def make(directory):
    """Returns the CA file, and the pairs of certificate and key by the name of the fault."""
    authority = certificates.CertificateAuthority(directory / "ca")
    stranger = certificates.CertificateAuthority(directory / "stranger", "another CA")
    name = subjects.AUTH_NAME
    return authority.certificate, {
        "good": authority.issue("good", [name]),
        "rotated": authority.issue("rotated", [name]),
        "wrongname": authority.issue("wrongname", ["other.fault.example"]),
        "expired": authority.issue("expired", [name], expired=True),
        "selfsigned": stranger.issue("selfsigned", [name])}
