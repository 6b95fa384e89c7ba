# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OLLAMA_HOST is read as Ollama reads it: its own cases, and a second writing of its function."""

from __future__ import annotations

import contextlib
import ipaddress
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._ollama_host import listens, read_host
from ansible_collections.inference.ollama.plugins.module_utils._topology import release
from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import host, split_host
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import lint
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.values import same
from ansible_collections.inference.ollama.tests.unit.support import reported

NEW = parse_release("0.40.2")
# envconfig/config_test.go of Ollama, TestHost: the value, and the address that comes of it.
DOCUMENTED = {
    "": "http://127.0.0.1:11434",
    "1.2.3.4": "http://1.2.3.4:11434",
    ":1234": "http://:1234",
    "1.2.3.4:1234": "http://1.2.3.4:1234",
    "example.com": "http://example.com:11434",
    "example.com:1234": "http://example.com:1234",
    ":0": "http://:0",
    ":66000": "http://:11434",
    ":-1": "http://:11434",
    "[::1]": "http://[::1]:11434",
    "[::]": "http://[::]:11434",
    "::1": "http://[::1]:11434",
    "[::1]:1337": "http://[::1]:1337",
    " 1.2.3.4 ": "http://1.2.3.4:11434",
    '"1.2.3.4"': "http://1.2.3.4:11434",
    ' " 1.2.3.4 " ': "http://1.2.3.4:11434",
    "'1.2.3.4'": "http://1.2.3.4:11434",
    "http://1.2.3.4": "http://1.2.3.4:80",
    "http://1.2.3.4:4321": "http://1.2.3.4:4321",
    "https://1.2.3.4": "https://1.2.3.4:443",
    "https://1.2.3.4:4321": "https://1.2.3.4:4321",
    "https://example.com/ollama": "https://example.com:443/ollama",
}
forms = st.text("0123456789abcdef.:[]%/'\" -+", max_size=24)
built = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["", "'", '"', " ", " '"]),
    st.sampled_from(["", "http://", "https://", "tcp://", "HTTP://", "://"]),
    st.sampled_from(
        ["", "::", "::1", "[::1]", "[::]", "0.0.0.0", "localhost", "gpu-1.example.org", "[fe80::1%eth0]", "[x", "a]b"]
    ),
    st.sampled_from(["", ":", ":0", ":8200", ":08200", ":65535", ":65536", ":-1", ":+5", ":x", ":1:2", ":99999999999"]),
    st.sampled_from(["", "/", "/ollama", "//", "?x"]),
    st.sampled_from(["", "'", '"', " "]),
)  # fmt: skip


def split_host_port(text):
    """net.SplitHostPort of Go, index by index as it is written there."""
    last = text.rfind(":")
    if last < 0:
        raise ValueError("missing port")
    start, stop = 0, 0
    if text[0] == "[":
        end = text.find("]")
        if end < 0 or end + 1 != last:
            raise ValueError("missing bracket or port, or too many colons")
        found, start, stop = text[1:end], 1, end + 1
    else:
        found = text[:last]
        if ":" in found:
            raise ValueError("too many colons")
    if "[" in text[start:] or "]" in text[stop:]:
        raise ValueError("unexpected bracket")
    return found, text[last + 1 :]


def documented(text):
    """Scheme, host, port and path by envconfig.Host() of Ollama."""
    said = text.strip().strip("\"'").strip()
    usual = "11434"
    if "://" in said:
        scheme, place = said.split("://", 1)
        usual = {"http": "80", "https": "443"}.get(scheme, usual)
    else:
        scheme, place = ("https", "ollama.com:443") if said == "ollama.com" else ("http", said)
    place, _slash, path = place.partition("/")
    try:
        name, port = split_host_port(place)
    except ValueError:
        name, port = place or "127.0.0.1", usual
        with contextlib.suppress(ValueError):
            name = str(ipaddress.ip_address(place.strip("[]"))) if "%" not in place else name
    right = re.fullmatch(r"[+-]?[0-9]+", port) and 0 <= int(port) <= 65535
    return scheme, name, int(port if right else usual), path


@pytest.mark.parametrize(("text", "expected"), DOCUMENTED.items())
def test_the_cases_of_ollama_itself(text, expected):
    """Each case of its own test gives the address that it gives there."""
    place = read_host(text)
    shown = f"[{place.host}]" if ":" in place.host else place.host
    assert f"{place.scheme}://{shown}:{place.port}{'/' if place.path else ''}{place.path}" == expected


@given(st.one_of(forms, built, st.text(max_size=30)))
@example("[::1]:")
@example("1.2.3.4:+80")
@example("[]:1")
@example("[fe80::1%eth0]")
@example("[0:0::1]:5")
def test_any_text_is_read_as_the_function_of_ollama_reads_it(text):
    """Scheme, host, port and path are those of a second writing of the function."""
    assert tuple(read_host(text)) == documented(text)


@given(st.one_of(forms, built))
@example(":0:")
@example("[0:0:0:0:0:0:0:1]:5")
@example("::ffff:10.0.0.9")
def test_lint_plan_verification_and_release_read_it_alike(text):
    """A text has one meaning, whoever reads it."""
    address, port = listens(text)
    assert same("host", text, text)
    if host(text) is None:
        assert split_host(text) == (address, port)
        assert [finding for finding in lint({"OLLAMA_HOST": text}, NEW) if finding.severity == "fatal"] == []
    asked = release._listens(text)
    if asked is not None:
        assert asked[1] == port
        assert asked[0] in (address, "127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("::", ("::", 11434)),
        ("[fe80::1%eth0]:11434", ("fe80::1%eth0", 11434)),
        ("fe80::1%eth0", ("fe80::1%eth0", 11434)),
        (":8200", ("0.0.0.0", 8200)),
        ("http://0.0.0.0:11434/", ("0.0.0.0", 11434)),
        ("'0.0.0.0'", ("0.0.0.0", 11434)),
        ("::ffff:10.0.0.9", ("10.0.0.9", 11434)),
        ("[0:0:0:0:0:0:0:1]:5", ("::1", 5)),
        ("1.2.3.4:5:6", ("127.0.0.1", 11434)),
        ("a b", ("127.0.0.1", 11434)),
    ],
)
def test_where_a_server_listens(text, place):
    """Every address has one form, and what nobody could look up is no name."""
    assert listens(text) == place


@pytest.mark.parametrize(
    "text", ["::", "::1", "'0.0.0.0'", "http://0.0.0.0:11434/", "0.0.0.0/", "[fe80::1%eth0]:11434", ":8200", "0.0.0.0:"]
)
def test_forms_that_the_server_takes_are_right(text):
    """A form that means what it says is no finding, and the role's variable takes it too."""
    assert lint({"OLLAMA_HOST": text}, NEW) == []
    assert split_host(text) is not None


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("0.0.0.0:11434/ollama", "advice"),
        ("http://gpu:1/x", "advice"),
        ("https://a:1/x", "fatal"),
        ("0.0.0.0:0", "fatal"),
        (":70000", "fatal"),
    ],
)
def test_a_path_is_advice_and_another_meaning_is_fatal(text, severity):
    """The server looks at no path; it speaks no TLS, and takes another port for one that does not exist."""
    assert [finding.severity for finding in lint({"OLLAMA_HOST": text}, NEW)] == [severity]


@reported.needs_reports
def test_the_reported_forms_are_right():
    """What people wrote, and Ollama took, is no fatal finding; a port alone is every address."""
    said = (reported.folder("26-host-forms") / "said.txt").read_text(encoding="utf-8")
    values = re.findall(r"^environment: \{'OLLAMA_HOST': (?:\"([^\"]*)\"|'([^']*)')", said, re.MULTILINE)
    forms_found = [double or single for double, single in values]
    assert len(forms_found) >= 6
    for text in forms_found:
        assert [finding for finding in lint({"OLLAMA_HOST": text}, NEW) if finding.severity == "fatal"] == []
        assert split_host(text) is not None
    assert split_host(":8200") == ("0.0.0.0", 8200)
