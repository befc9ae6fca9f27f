# SPDX-License-Identifier: Apache-2.0
"""The certificates of the providers: a valid one and invalid ones."""

from lab import certificates
import subjects


def make(directory):
    """Returns the CA file, and the pairs of certificate and key by the name of the fault."""
    authority = certificates.CertificateAuthority(directory / "ca")
    stranger = certificates.CertificateAuthority(directory / "stranger", "another CA")
    names = subjects.AUTH_NAMES
    return authority.certificate, {
        "good": authority.issue("good", names),
        "rotated": authority.issue("rotated", names),
        "wrongname": authority.issue("wrongname", ["other.fault.example"]),
        "expired": authority.issue("expired", names, expired=True),
        "selfsigned": stranger.issue("selfsigned", names)}
