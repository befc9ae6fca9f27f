# SPDX-License-Identifier: Apache-2.0
"""The lab: real DNS-over-TLS servers on loopback, with real zones and their own CA."""
