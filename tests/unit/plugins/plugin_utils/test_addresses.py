# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of address that Ollama takes; test_values.py has the sentences that come of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.plugin_utils._addresses import (
    host,
    hosts,
    listens,
    origins,
    split_host,
    url,
)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (host, ["127.0.0.1", ":11434", "[::1]:11434", "http://a:1"], ["", "https://a:1", "a/b", "http://a", "a:0"]),
        (hosts, ["ollama.com", "a,b.example.org:443"], ["", "a,", "a:99999"]),
        (origins, ["*", "https://a", "app://*"], ["", "a", "https://a/b", "https://*.*", "app://a"]),
        (url, ["http://a:3128", "socks5://me:pw@a"], ["a:3128", "ftp://a", "http://", "http://a:99999"]),
    ],
)
def test_each_form_takes_its_own(check, right, wrong):
    """What is right gives no sentence, what is wrong gives one."""
    assert [check(text) for text in right] == [None] * len(right)
    assert all(check(text) for text in wrong)


@given(st.text("[]:%./abcdef0123456789 '\"h", max_size=24))
def test_a_right_address_is_read_as_the_server_reads_it(text):
    """What passes is an address and a port that can be written back, and mean the same then."""
    if host(text) is None:
        address, port = split_host(text)
        written = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        assert host(written) is None
        assert split_host(written) == (address, port) == listens(text)


@given(st.sampled_from([host, hosts, origins, url]), st.text(max_size=30))
def test_any_text_is_looked_at(check, text):
    """No text makes a check fail."""
    assert check(text) is None or check(text).strip()
