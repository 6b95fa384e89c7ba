# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every server was changed, a key revoked and a certificate renewed, and no client noticed any of it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.on(position=[0])


def test_all_streams_came_whole(recorded):
    """10,000 and more, none lost, cut or refused, whatever was changed meanwhile."""
    found = recorded("rolling")
    assert found["failures"] == []
    assert found["whole"] == found["streams"] >= 10000


def test_all_servers_took_part(recorded):
    """Each of the four hosts answered a share of the streams."""
    assert {host for host, count in recorded("rolling")["hosts"].items() if count > 100} == {
        *("fleet-one", "fleet-desktop", "fleet-cards", "fleet-pair")
    }


def test_change_reached_every_server(recorded):
    assert recorded("rolling-site")["rc"] == 0
    assert recorded("rolling-site")["changed"] > 0


def test_revoked_key_gets_no_answer(recorded):
    """From the reload on, on connections that were open before too."""
    assert recorded("revoked-asks")["statuses"] == {"401": 5}


def test_streams_of_the_revoked_key_that_had_begun_came_to_their_end(recorded):
    """A reload cuts nothing: they ended well after the key was gone."""
    began, asked = recorded("leaver"), recorded("revoked-asks")
    assert (began["whole"], began["streams"]) == (4, 4), began["failures"]
    assert began["began"] + began["seconds"] > asked["began"]


def test_clients_see_the_new_certificate(recorded):
    assert "second" in recorded("certificate")["subject"]
