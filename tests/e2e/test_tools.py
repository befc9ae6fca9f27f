# SPDX-License-Identifier: Apache-2.0
"""The usual clients, dig and kdig, over classic DNS and TLS."""

import subprocess

import pytest

SAMPLE = [("www.lab.example", "A"), ("lab.example", "MX"), ("chain-1.lab.example", "AAAA"),
          ("_dot._tcp.lab.example", "SRV"), ("https.lab.example", "HTTPS"),
          ("txt-many.lab.example", "TXT"), ("naptr.lab.example", "NAPTR"),
          ("unknown.lab.example", "TYPE65280"), ("big-4096.lab.example", "TXT"),
          ("big-64k.lab.example", "TXT"), ("www.signed.example", "A"), ("lab.example", "CAA")]


def tool_output(tool, port, *arguments):
    done = subprocess.run([tool, "@127.0.0.1", "-p", str(port), *arguments], timeout=20,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def short(output):
    """Returns the answers in order, without the tools' comments."""
    return sorted(line for line in output.splitlines() if line and line[0] != ";")


def over_tls(tool, server):
    return ["+tls", f"+tls-ca={server.ca_file}", f"+tls-hostname={server.auth_name}"]


@pytest.mark.parametrize("tool", ["dig", "kdig"])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_answers_equal_the_providers_answers(server, lab, tool, transport):
    options = {"udp": [], "tcp": ["+tcp"], "tls": over_tls(tool, server)}[transport]
    port = server.dot_port if transport == "tls" else server.port
    wrong = []
    for name, rr_type in SAMPLE:
        ours = short(tool_output(tool, port, *options, "+short", name, rr_type))
        theirs = short(tool_output(tool, lab.servers["unbound"].classic_port, "+tcp", "+short",
                                   name, rr_type))
        if ours != theirs or not ours:
            wrong.append(f"{name} {rr_type}: {ours[:5]} instead of {theirs[:5]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("tool", ["dig", "kdig"])
def test_negative_answers_have_their_status(server, tool):
    assert "status: NXDOMAIN" in tool_output(tool, server.port, "nothing.lab.example")
    no_data = tool_output(tool, server.port, "v4only.lab.example", "AAAA")
    assert "status: NOERROR" in no_data and "SOA" in no_data


def test_dig_keeps_a_connection_open_over_tls(server):
    names = [f"host-{number}.lab.example" for number in range(1, 21)]
    output = tool_output("dig", server.dot_port, *over_tls("dig", server), "+keepopen", "+short",
                         *names)
    assert output.split() == [f"198.18.1.{number}" for number in range(1, 21)]


def test_kdig_over_tls_refuses_another_name(server):
    options = ["+tls", f"+tls-ca={server.ca_file}", "+tls-hostname=other.lab.example", "+retry=0"]
    done = subprocess.run(["kdig", "@127.0.0.1", "-p", str(server.dot_port), *options,
                           "www.lab.example"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20)
    assert "ANSWER SECTION" not in done.stdout


def test_dig_follows_truncation_to_tcp(server):
    output = tool_output("dig", server.port, "big-4096.lab.example", "TXT")
    assert "Truncated, retrying in TCP mode" in output and "ANSWER: 22" in output
