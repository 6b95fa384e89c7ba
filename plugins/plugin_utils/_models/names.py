# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of models as operators give them: ``[HOST/][NAMESPACE/]MODEL[:TAG]``, and paths in their place.

Source: types/model/name.go@v0.32.15, ParseNameBare, IsValid and EqualFold; the parts are those of
module_utils/_models/names.py.
"""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.module_utils._models.names import is_part, shortened, shown

_HOST, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"
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
    rest, slash, model = rest.rpartition("/")
    host, second, namespace = rest.rpartition("/")
    # The scheme in front of a host, which nothing depends on, ends in a slash of its own.
    host = host.partition("://")[2] if "://" in host else host
    if (second and not (host and namespace)) or (slash and not rest):
        raise ValueError
    parts = (host or _HOST, namespace or _NAMESPACE, model, tag)
    if not all(is_part(depth, part) for depth, part in enumerate(parts)):
        raise ValueError
    return shown(*parts)


def same(one: str, other: str) -> bool:
    """Whether two names are one model's, in whatever letters; what is no name of Ollama's is like itself alone."""
    return one == other or key_of(one) == key_of(other)


def key_of(name: str) -> str:
    """One text for all ways to write a model's name; a text that is no name of Ollama's stays as it is."""
    try:
        shortest(name)
    except ValueError:
        return name
    return shortened(name)


def is_file(text: str) -> bool:
    """Whether a text is the path of a GGUF file and no name: an absolute path, or one that ends in .gguf.

    A file of Hugging Face's may be a tag: ``hf.co/USER/REPOSITORY:FILE.gguf`` is a name.
    """
    return text.startswith("/") or (text.lower().endswith(_FILE_END) and ":" not in text)


def listed(names: list[str]) -> str:
    """Names in a sentence, of many the first ones and how many more there are."""
    return ", ".join(names if len(names) <= _MOST else [*names[:_MOST], f"{len(names) - _MOST} more"])
