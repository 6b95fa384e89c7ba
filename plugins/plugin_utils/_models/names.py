# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of models as Ollama reads them: ``[HOST/][NAMESPACE/]MODEL[:TAG]``.

Source: types/model/name.go@v0.32.15, ParseName, isValidPart, DisplayShortest and EqualFold.
"""

from __future__ import annotations

import re

_HOST, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"
# A part begins with a letter, a digit or an underscore; host and port may have a colon, a namespace no dot.
_HOST_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_NAMESPACE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")
_FILE_END = ".gguf"
# Names in a sentence.
_MOST = 8


def shortest(name: str) -> str:
    """The name as ``ollama list`` shows it, without the parts that are Ollama's defaults and with its tag.

    ValueError without text: it is no name. ``llama3.1`` is ``llama3.1:latest``.
    """
    rest, tag = name, _TAG
    if name.rfind(":") > name.rfind("/"):
        rest, _colon, tag = name.rpartition(":")
    rest, _slash, model = rest.rpartition("/")
    host, slash, namespace = rest.rpartition("/")
    # The scheme in front of a host, which nothing depends on, ends in a slash of its own.
    host = host.partition("://")[2] if "://" in host else host
    if (slash and not (host and namespace)) or (not rest and "/" in name):
        raise ValueError
    host, namespace = host or _HOST, namespace or _NAMESPACE
    parts = ((_HOST_PART, host), (_NAMESPACE_PART, namespace), (_PART, model), (_PART, tag))
    if not all(pattern.fullmatch(part) for pattern, part in parts):
        raise ValueError
    if host.lower() != _HOST:
        return f"{host}/{namespace}/{model}:{tag}"
    return f"{model}:{tag}" if namespace.lower() == _NAMESPACE else f"{namespace}/{model}:{tag}"


def same(one: str, other: str) -> bool:
    """Whether two names are one model's, in whatever letters; what is no name of Ollama's is like itself alone."""
    return one == other or key_of(one) == key_of(other)


def key_of(name: str) -> str:
    """One text for all ways to write a model's name; a text that is no name of Ollama's stays as it is."""
    try:
        return shortest(name).lower()
    except ValueError:
        return name


def is_file(text: str) -> bool:
    """Whether a text is the path of a GGUF file and no name: an absolute path, or one that ends in .gguf.

    A file of Hugging Face's may be a tag: ``hf.co/USER/REPOSITORY:FILE.gguf`` is a name.
    """
    return text.startswith("/") or (text.lower().endswith(_FILE_END) and ":" not in text)


def listed(names: list[str]) -> str:
    """Names in a sentence, of many the first ones and how many more there are."""
    return ", ".join(names if len(names) <= _MOST else [*names[:_MOST], f"{len(names) - _MOST} more"])
