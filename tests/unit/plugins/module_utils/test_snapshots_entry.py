# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a path has, read from a real folder and written down as JSON; what becomes of it, to read."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots import entry as module
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.changes import (
    diff,
    pending_changes,
    summarize,
)
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.entry import (
    ABSENT,
    FILE,
    LINK,
    Entry,
    decode,
    encode,
    read_entry,
)

OWNER = (os.geteuid(), os.getegid())


def planted(folder, name, data=b"x\n", mode=0o644):
    path = folder / name
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


def test_a_file(tmp_path):
    """Its bytes, its mode with all of its bits, and who has it."""
    path = planted(tmp_path, "a", b"\xff\0", 0o4751)
    assert read_entry(path) == Entry(path, FILE, b"\xff\0", 0o4751, OWNER)


@pytest.mark.parametrize("target", ["a", "/no/such", "../x y"])
def test_a_link(tmp_path, target):
    """It is read and not followed, whether there is something at its end or not."""
    planted(tmp_path, "a")
    path = str(tmp_path / "b")
    os.symlink(target, path)
    assert read_entry(path) == Entry(path, LINK, target=target)


@pytest.mark.parametrize("name", ["none", "none/below", "a/below"])
def test_nothing(tmp_path, name):
    """No file, no folder, and a file where a folder should be are all nothing."""
    planted(tmp_path, "a")
    assert read_entry(str(tmp_path / name)) == Entry(str(tmp_path / name), ABSENT)


def test_what_is_neither_file_nor_link_is_refused(tmp_path):
    """A folder and a pipe are somebody's; a pipe is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OllamaError, match=rf"/{name}: neither a file nor a link"):
            read_entry(str(tmp_path / name))


def test_what_is_too_large_is_refused(tmp_path):
    """The largest size is read in full, a byte more is refused with both numbers."""
    path = planted(tmp_path, "a", b"x" * module.LARGEST)
    assert len(read_entry(path).data) == module.LARGEST
    with open(path, "ab") as file:
        file.write(b"x")
    with pytest.raises(OllamaError, match=f"{module.LARGEST + 1} bytes, more than {module.LARGEST}"):
        read_entry(path)


def test_what_cannot_be_read_is_a_sentence(tmp_path):
    """A loop of folders names the path and the reason."""
    os.symlink("loop", tmp_path / "loop")
    with pytest.raises(OllamaError, match=r"loop/a: cannot be read \(Too many levels"):
        read_entry(str(tmp_path / "loop/a"))


@pytest.mark.parametrize(
    ("entry", "private"),
    [
        (Entry("/a", FILE, b"", 0o600), True),
        (Entry("/a", FILE, b"", 0o400), True),
        (Entry("/a", FILE, b"", 0o4700), True),
        (Entry("/a", FILE, b""), True),
        (Entry("/a", FILE, b"", 0o640), False),
        (Entry("/a", FILE, b"", 0o604), False),
        (Entry("/a", LINK, target="b"), False),
        (Entry("/a", ABSENT), False),
    ],
)
def test_what_only_its_owner_may_read(entry, private):
    """One bit for anybody else, and it is no secret."""
    assert entry.private is private


PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20).map("/{}".format)
NUMBERS = st.integers(0, (1 << 32) - 2)
ENTRIES = st.one_of(
    st.tuples(
        PATHS,
        st.just(FILE),
        st.binary(max_size=50),
        st.integers(0, 0o7777),
        st.none() | st.tuples(NUMBERS, NUMBERS),
    ).map(lambda drawn: Entry(*drawn)),
    st.tuples(PATHS, PATHS).map(lambda pair: Entry(pair[0], LINK, target=pair[1])),
    PATHS.map(lambda path: Entry(path, ABSENT)),
)


@given(ENTRIES)
def test_written_down_and_read_again(entry):
    """JSON gives back what was there, byte for byte."""
    assert decode(json.loads(json.dumps(encode(entry)))) == entry


def test_a_name_that_is_no_utf_8_is_written_down_too(tmp_path):
    """Names are bytes; those that are no text come back as they were."""
    path = os.path.join(str(tmp_path), os.fsdecode(b"\xff"))
    with open(path, "wb") as file:
        file.write(b"x")
    assert decode(json.loads(json.dumps(encode(read_entry(path))))) == read_entry(path)


GOOD = encode(Entry("/a", FILE, b"x", 0o644, (0, 0)))
WRONG = [
    None,
    [],
    "x",
    {},
    {**GOOD, "path": None},
    {**GOOD, "path": "a"},
    {**GOOD, "path": "/a\0b"},
    {**GOOD, "path": "/\ud800"},
    {**GOOD, "kind": "folder"},
    {**GOOD, "kind": None},
    {**GOOD, "kind": []},
    {**GOOD, "content": None},
    {**GOOD, "content": "!"},
    {**GOOD, "content": "\xff"},
    {**GOOD, "content": 1},
    {**GOOD, "mode": None},
    {**GOOD, "mode": "9"},
    {**GOOD, "mode": "-1"},
    {**GOOD, "mode": "7777777777777777777777"},
    {**GOOD, "mode": 420},
    {**GOOD, "owner": [0]},
    {**GOOD, "owner": 0},
    {**GOOD, "owner": ["x", 0]},
    {**GOOD, "owner": [float("inf"), 0]},
    {**GOOD, "owner": [1 << 70, 0]},
    {**GOOD, "owner": [-1, 0]},
    {**GOOD, "kind": LINK},
    {**GOOD, "kind": LINK, "target": 1},
    {**GOOD, "kind": LINK, "target": "a\0"},
    {**GOOD, "kind": "program", "identity": [1, 2]},
    {**GOOD, "path": "/usr/local/bin/ollama", "kind": "program"},
    {**GOOD, "path": "/usr/local/bin/ollama", "kind": "program", "identity": ["1", 2]},
    {**GOOD, "path": "/usr/local/bin/ollama", "kind": "program", "identity": {}},
    # Snapshots of earlier releases have no identity.
    *({key: value for key, value in GOOD.items() if key != gone} for gone in GOOD if gone != "identity"),
]


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_what_was_not_written_here_is_refused(value):
    """Whatever somebody has put there, it is a sentence, and nothing is written for it."""
    with pytest.raises(OllamaError, match="an entry of a snapshot does not have"):
        decode(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["/a", FILE, "644"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(GOOD)), inner, max_size=6),
)


@given(ENTRIES, st.dictionaries(st.sampled_from(sorted(GOOD)), JSON, min_size=1, max_size=3))
def test_damage_is_refused_or_harmless(entry, damage):
    """What passes is an entry that can be looked for and compared."""
    try:
        found = decode({**encode(entry), **damage})
    except OllamaError:
        return
    assert decode(json.loads(json.dumps(encode(found)))) == found
    os.fsencode(found.path)


def test_what_becomes_of_paths(tmp_path):
    """Created, changed, removed; what is as wanted is none of these."""
    same, other, gone = (planted(tmp_path, name) for name in ("same", "other", "gone"))
    new, never = str(tmp_path / "new"), str(tmp_path / "never")
    wanted = [
        Entry(same, FILE, b"x\n", 0o644),
        Entry(other, FILE, b"y\n", 0o644),
        Entry(gone, ABSENT),
        Entry(new, LINK, target="same"),
        Entry(never, ABSENT),
    ]
    changes = pending_changes(wanted)
    assert summarize(changes) == [
        {"path": other, "change": "changed"},
        {"path": gone, "change": "removed"},
        {"path": new, "change": "created"},
    ]
    assert diff(changes) == [
        {"before": "x\n", "after": "y\n", "before_header": other, "after_header": other},
        {"before": "x\n", "after": "", "before_header": gone, "after_header": gone},
        {"before": "", "after": "-> same\n", "before_header": new, "after_header": new},
    ]


def test_a_mode_or_an_owner_alone_is_a_difference_to_read():
    """The contents are the same, so they are not shown."""
    found = Entry("/a", FILE, b"x", 0o644, (0, 0))
    (row,) = diff([(found, found._replace(mode=0o664))])
    assert (row["before"], row["after"]) == ("mode 0644, owner 0:0\n", "mode 0664, owner 0:0\n")
    (row,) = diff([(found, found._replace(owner=None, mode=0o4755))])
    assert row["after"] == "mode 4755\n"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (Entry("/a", ABSENT), Entry("/a", FILE, b"key-1", 0o600)),
        (Entry("/a", FILE, b"key-1", 0o600), Entry("/a", ABSENT)),
        (Entry("/a", FILE, b"key-1", 0o600), Entry("/a", FILE, b"x", 0o644)),
        (Entry("/a", FILE, b"key-1", 0o644), Entry("/a", FILE, b"key-2", 0o600)),
        (Entry("/a", LINK, target="b"), Entry("/a", FILE, b"key-1", 0o600)),
    ],
)
def test_what_only_its_owner_may_read_is_not_shown(found, wanted):
    """A secret before or after is enough, and the change itself is still reported."""
    (row,) = diff([(found, wanted)])
    assert set(row) == {"prepared"}
    assert row["prepared"].startswith("/a is ")
    assert "key" not in row["prepared"]
