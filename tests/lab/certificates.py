# SPDX-License-Identifier: Apache-2.0
"""A certificate authority in a directory, made with GnuTLS' certtool."""

import pathlib
import subprocess

LONG_AGO = "2020-01-01 00:00:00 UTC"
NOT_SO_LONG_AGO = "2020-02-01 00:00:00 UTC"


class CertificateAuthority:
    """Issues certificates as DIRECTORY/NAME.crt and DIRECTORY/NAME.key."""

    def __init__(self, directory, common_name="dotcache lab CA"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate = self.directory / "ca.crt"
        self._key = self.directory / "ca.key"
        if not self.certificate.exists():
            self._generate_key(self._key)
            self._certtool(self.certificate, "--generate-self-signed",
                           "--load-privkey", self._key,
                           template=[f'cn = "{common_name}"', f'activation_date = "{LONG_AGO}"',
                                     "expiration_days = 3650", "ca", "cert_signing_key"])

    def issue(self, name, dns_names=(), ip_addresses=(), expired=False, client=False):
        """Returns the paths of a server or client certificate for these names, and of its key."""
        certificate = self.directory / f"{name}.crt"
        key = self.directory / f"{name}.key"
        if not certificate.exists():
            end = (f'expiration_date = "{NOT_SO_LONG_AGO}"' if expired else
                   "expiration_days = 365")
            self._generate_key(key)
            self._certtool(certificate, "--generate-certificate", "--load-privkey", key,
                           "--load-ca-certificate", self.certificate,
                           "--load-ca-privkey", self._key,
                           template=[f'cn = "{name}"', "tls_www_client" if client else "tls_www_server",
                                     "signing_key", f'activation_date = "{LONG_AGO}"', end,
                                     *(f'dns_name = "{dns_name}"' for dns_name in dns_names),
                                     *(f'ip_address = "{address}"' for address in ip_addresses)])
        return certificate, key

    def _generate_key(self, key):
        self._certtool(key, "--generate-privkey", "--key-type=ecdsa", "--curve=secp256r1")

    def _certtool(self, outfile, *arguments, template=None):
        command = ["certtool", *map(str, arguments), "--outfile", str(outfile)]
        if template:
            template_file = outfile.with_suffix(".template")
            template_file.write_text("\n".join(template) + "\n")
            command += ["--template", str(template_file)]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if made.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {made.stderr}")
