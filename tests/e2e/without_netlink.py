# SPDX-License-Identifier: Apache-2.0
"""Runs a command for which the kernel refuses netlink sockets, like in a sandbox.

  python3 without_netlink.py COMMAND...
"""

import ctypes
import errno
import os
import socket
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SOCKET_CALL = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
ALLOW, REFUSE = 0x7fff0000, 0x00050000 | errno.EAFNOSUPPORT


def instruction(code, jump_if_true, jump_if_false, value):
    return struct.pack("HBBI", code, jump_if_true, jump_if_false, value)


def refuse_netlink():
    load, equal, give = 0x20, 0x15, 0x06
    program = b"".join([
        instruction(load, 0, 0, 0),  # The number of the call.
        instruction(equal, 0, 3, SOCKET_CALL),
        instruction(load, 0, 0, 16),  # Its first argument.
        instruction(equal, 0, 1, socket.AF_NETLINK),
        instruction(give, 0, 0, REFUSE),
        instruction(give, 0, 0, ALLOW)])
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                      (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(header), 0, 0)):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    refuse_netlink()
    os.execvp(sys.argv[1], sys.argv[1:])
