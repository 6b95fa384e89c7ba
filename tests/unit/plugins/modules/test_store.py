# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module store: three steps of a move, check mode and what it refuses."""

from __future__ import annotations

import hashlib
import os
import pwd

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="ansible-core is not installed for this Python")

from ansible_collections.inference.ollama.plugins.module_utils._benchmark.progress import Progress
from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.modules import store

USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def args(tmp_path):
    """Arguments of the first step, for an old store with one blob."""
    blobs = tmp_path / "old/blobs"
    blobs.mkdir(parents=True)
    (blobs / f"sha256-{hashlib.sha256(b'weights').hexdigest()}").write_bytes(b"weights")
    stores = {"source": str(tmp_path / "old"), "target": str(tmp_path / "new/models")}
    return {"state": "copied", **stores, "user": USER, "state_folder": str(tmp_path / "state")}


def test_a_move_has_two_steps(run, args):
    """Each changes once; the old store is gone at the end."""
    step = {**args, "state": "finished"}
    code, result = run(**args)
    assert (code, result["changed"], result["linked_bytes"], result["problems"]) == (0, True, 7, [])
    assert result["move"] == {"source": args["source"], "target": args["target"], "phase": "copying"}
    assert result["diff"] == {"before": f"store: {args['source']}\n", "after": f"store: {args['target']}\n"}
    assert run(**args)[1]["changed"] is False
    assert run(**step)[1]["changed"] is True
    assert run(**step)[1] == {**run(**step)[1], "changed": False, "move": None}
    assert os.path.islink(args["source"])


def test_a_move_is_taken_back(run, args):
    """The new store and the folders that were made for it are gone."""
    run(**args)
    assert run(**{**args, "state": "taken_back"})[1]["changed"] is True
    assert not os.path.exists(os.path.dirname(args["target"]))
    assert os.path.isdir(args["source"])


def test_check_mode_says_what_would_be_done_and_does_nothing(run, args):
    """The first step, and the last of a move that is under way."""
    assert run(**args, _ansible_check_mode=True)[1]["changed"] is True
    assert not os.path.exists(args["target"])
    run(**args)
    assert run(**{**args, "state": "finished"}, _ansible_check_mode=True)[1]["changed"] is True
    assert os.path.isdir(args["source"])


def test_wrong_options_are_refused_in_a_sentence(run, args):
    """A time of nought, a relative path, a user who does not exist."""
    assert "max_duration: 0 is not allowed" in run(**args, max_duration=0)[1]["msg"]
    assert "models: allowed is an absolute path" in run(**{**args, "target": "models"})[1]["msg"]
    assert "~nobody-at-all/m: allowed" in run(**{**args, "source": "~nobody-at-all/m"})[1]["msg"]


def test_a_move_says_how_far_it_is_and_ends_in_time(tmp_path):
    """A line in GiB, and a sentence once the time is over."""
    path, now = tmp_path / "progress", [0.0]
    say = store.teller("/srv/old", 3 << 30, Progress(str(path), [], lambda: now[0]), 5, lambda: now[0])
    say(3 << 29)
    assert path.read_text() == "1.5 of 3.0 GiB of /srv/old moved\n"
    now[0] = 6
    with pytest.raises(OllamaError, match="is not moved after 5 s; nothing was lost"):
        say(3 << 29)
