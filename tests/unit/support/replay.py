# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captured machines read again, by the product from memory, and planted under a folder."""

from __future__ import annotations

import errno
import os

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_parse import parse
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_record import clean_path
from ansible_collections.inference.ollama.plugins.module_utils._topology.capture_replay import replayed
from ansible_collections.inference.ollama.plugins.module_utils._topology.gather import SUBSETS, gather


def planted(text, folder):
    """The capture in a text and the root of its machine, written under a folder."""
    capture = parse(text)
    plant(capture, str(folder))
    return capture, CapturedRoot(str(folder), capture)


def replay(text, folder):
    """The topology of a capture as the product reads it, its programs answering too if it has any."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "capture.txt")
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return gather(*replayed(path), set(SUBSETS))


def plant(capture, folder):
    """Write the capture's files under a folder, which is created if needed.

    Links stay below the folder, whatever they say. Raises OllamaError where the folder has something in it or a file
    cannot be written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        if os.listdir(folder):
            raise OllamaError(f"{folder}: the folder is not empty")
        _write(capture, os.path.realpath(folder))
    except OSError as error:
        raise OllamaError(f"{error.filename}: the capture cannot be written there ({error.strerror})") from None


def _write(capture, folder):
    everything = (*capture.files, *capture.links, *capture.lists, *capture.present, *capture.unreadable)
    for path, target in sorted(capture.links.items()):
        is_folder = path in capture.lists or any(other.startswith(f"{path}/") for other in everything)
        _link(folder, path, target, is_folder=is_folder)
    for path, data in capture.files.items():
        _make(os.path.dirname(folder + path))
        with open(folder + path, "wb") as file:
            file.write(data)
    # To a plain Root a folder is a file that cannot be read.
    for path in (*capture.lists, *capture.unreadable):
        if not os.path.lexists(folder + path):
            _make(folder + path)
    for path in sorted(capture.present, reverse=True):
        if not os.path.exists(folder + path):
            _make(os.path.dirname(folder + path))
            with open(folder + path, "wb"):
                pass
    # Names of files that were listed and not read.
    for path, names in capture.lists.items():
        for name in names:
            if not os.path.lexists(f"{folder}{path}/{name}"):
                os.mkdir(f"{folder}{path}/{name}")


def _link(folder, path, target, *, is_folder):
    """Make the link relative, with ``..`` ending at the folder."""
    _make(os.path.dirname(folder + path))
    here = os.path.realpath(os.path.dirname(folder + path))
    within = os.path.normpath(os.path.join("/", here[len(folder) :], target)).lstrip("/")
    place = os.path.join(folder, within)
    _make(place if is_folder else os.path.dirname(place))
    os.symlink(os.path.relpath(place, here), folder + path)


def _make(folder):
    os.makedirs(folder, exist_ok=True)


class CapturedRoot(Root):
    """The root of a planted capture, whose unreadable files stay unreadable."""

    def __init__(self, path, capture):
        super().__init__(path)
        self.capture = capture

    def _bytes(self, path):
        self._refuse(path)
        return super()._bytes(path)

    def _list(self, path):
        self._refuse(path)
        return super()._list(path)

    def program(self, name):
        return self.capture.programs.get(name)

    def variable(self, path, name):
        try:
            self._refuse(path)
        except OSError as error:
            self.problem(f"{path}: cannot be read ({error.strerror})")
            return None
        return super().variable(path, name)

    def lines(self, path, form):
        try:
            self._refuse(path)
        except OSError as error:
            self.problem(f"{path}: cannot be read ({error.strerror})")
            return None
        return super().lines(path, form)

    def _refuse(self, path):
        name = self.capture.unreadable.get(clean_path(path))
        if name is not None:
            number = getattr(errno, name)
            raise OSError(number, os.strerror(number), path)
