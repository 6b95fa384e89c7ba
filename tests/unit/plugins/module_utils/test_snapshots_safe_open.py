# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder is opened only where every part of its path is this user's or root's, by descriptor."""

from __future__ import annotations

import os

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._snapshots.safe_open import (
    open_trusted,
    require_file,
    require_no_links,
)

NOBODY = 65534


@pytest.fixture
def folder(tmp_path):
    """A folder that only this user may write in."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path


def opens(path, **options):
    """The inode of what is opened."""
    descriptor = open_trusted(str(path), **options)
    try:
        return os.fstat(descriptor).st_ino
    finally:
        os.close(descriptor)


def test_links_of_this_user_are_followed(folder):
    """Absolute ones, relative ones and ones that lead up again: /var/run is one."""
    inode = folder.stat().st_ino
    for name, target in (("a", str(folder)), ("b", "state"), ("c", "./state/../state"), ("d", "a")):
        (folder.parent / name).symlink_to(target)
        assert opens(folder.parent / name) == inode


def test_links_in_a_circle_end(folder):
    """With what the kernel says of them."""
    (folder.parent / "x").symlink_to("y")
    (folder.parent / "y").symlink_to("x")
    with pytest.raises(OSError, match=r"levels of symbolic links|Not a directory"):
        open_trusted(str(folder.parent / "x"))


def test_a_file_in_place_of_a_folder_is_an_error(folder):
    """It is no link, so there is nothing to follow."""
    (folder / "file").write_text("x")
    with pytest.raises(NotADirectoryError):
        open_trusted(str(folder / "file"))


def test_a_folder_is_made_for_this_user_alone(folder):
    """Whatever umask says; without create it is missing."""
    with pytest.raises(FileNotFoundError):
        open_trusted(str(folder / "a/b"))
    opens(folder / "a/b", create=True)
    assert (folder / "a/b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_in_is_refused(folder, mode):
    """The sentence has owner and mode, and what would be right; a sticky parent is enough only above it."""
    folder.chmod(mode)
    with pytest.raises(OllamaError, match=rf"mode {mode:04o}; .*Allowed is owner {os.geteuid()}.*chmod 0700"):
        open_trusted(str(folder))
    if mode == 0o1777:
        opens(folder / "below", create=True)
    else:
        with pytest.raises(OllamaError, match="chmod go-w"):
            open_trusted(str(folder / "below"), create=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_another_user_made_is_refused(folder):
    """A link of somebody else's, and a folder."""
    (folder.parent / "link").symlink_to("state")
    os.chown(folder.parent / "link", NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(OllamaError, match=f"a link of user {NOBODY}; it is not followed"):
        open_trusted(str(folder.parent / "link"))
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(OllamaError, match=f"owned by user {NOBODY}"):
        open_trusted(str(folder))


def test_a_file_with_a_second_name_is_refused(folder):
    """Whoever has the other name may have written it."""
    (folder / "one").write_text("x")
    (folder / "one").chmod(0o600)
    os.link(folder / "one", folder / "two")
    for path, words in ((folder / "one", "2 name"), (folder, "not a regular file")):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            with pytest.raises(OllamaError, match=words):
                require_file(descriptor, str(path))
        finally:
            os.close(descriptor)


def test_no_path_leaves_the_root_of_an_image(folder):
    """By dots, by a link, or by standing elsewhere."""
    root = str(folder)
    (folder / "etc").symlink_to("/etc")
    for path, words in (
        (f"{root}/etc/x.conf", f"{root}/etc: a link to /etc"),
        (f"{root}/a/../../x", f"allowed is a path below {root}"),
        ("/etc/x", f"allowed is a path below {root}"),
    ):
        with pytest.raises(OllamaError, match=words):
            require_no_links(root, [path])
    require_no_links(root, [f"{root}/var/x"])
