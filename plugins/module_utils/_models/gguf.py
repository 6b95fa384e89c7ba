# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the header of a GGUF file: its metadata and the table of its tensors, never a tensor.

docs/gguf.md of ggml; ggml/src/gguf.cpp of llama.cpp b11434, which bounds names, dimensions and alignment alike.
Versions 2 and 3, of either byte order. Whatever a file claims, no more is kept than it holds and the bounds allow.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.ggml_types import BLOCKS
from ansible_collections.inference.ollama.plugins.module_utils._models.window import Window

# Bounds: the largest models have about 2,000 tensors (of several thousand where each expert is one), 100 keys, 600,000
# tokens and merges, templates of 100 KB; a list for each layer has less than 512 values (LLAMA_MAX_LAYERS).
_MOST_KEYS, _MOST_TENSORS, _MOST_TEXTS = 1 << 12, 1 << 15, 1 << 21
_LONGEST_KEY, _LONGEST_NAME, _LONGEST_TEXT, _LONGEST_LIST = 1 << 10, 63, 1 << 24, 1024
# What is kept: of one text, and of all values in characters and numbers. The rest is left out as if it were longer.
_KEPT_TEXT, _KEPT = 1 << 12, 1 << 20
_DIMENSIONS, _MOST_ELEMENTS = 4, (1 << 63) - 1
_ALIGNMENT = "general.alignment"
# The least that a key with its value takes, and a tensor.
_LEAST_KEY, _LEAST_TENSOR = 13, 24

_TEXT, _LIST, _BOOL = 8, 9, 7
_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


@dataclass(frozen=True)
class Skipped:
    """A value that was not kept: the number of a list's elements, or the bytes of a text."""

    count: int

    def __str__(self) -> str:
        return f"a list or text of length {self.count}" if self.count else "a list that was left out"


class Tensor(NamedTuple):
    """A tensor of the table. ``shape`` has the length of a row first; ``offset`` counts from the first tensor's."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int
    elements: int
    size_bytes: int


@dataclass(frozen=True)
class Header:
    """What a GGUF file says before its tensors.

    ``metadata`` holds numbers, texts, and lists of up to 1,024 numbers; longer ones, lists of texts, and texts of more
    than 4,096 bytes are Skipped. ``data`` is the offset of the tensors in the file.
    """

    version: int
    big_endian: bool
    metadata: dict[str, Any]
    tensors: tuple[Tensor, ...]
    data: int


def read_header(file: IO[bytes], size: int) -> Header:
    """The header of a file of ``size`` bytes.

    Raises OllamaError, with the offset, what was found and what is possible, and OSError.
    """
    return _Reader(Window(file, size)).header()


class _Reader:
    def __init__(self, window: Window) -> None:
        self._window = window
        magic = window.take(min(4, window.size), "the magic")
        if magic != b"GGUF":
            raise OllamaError(f"at byte 0: the file begins with {magic!r}, expected b'GGUF'")
        version = window.take(4, "the version")
        # The high half of a version is zero, in whichever byte order.
        self._big = version[:2] == b"\0\0" and version[2:] != b"\0\0"
        self._version = int.from_bytes(version, "big" if self._big else "little")
        if self._version not in (2, 3):
            raise OllamaError(f"at byte 4: the file has version {self._version} of GGUF, expected 2 or 3")
        order = ">" if self._big else "<"
        self._forms = {kind: struct.Struct(order + form) for kind, form in _FORMS.items()}
        self._u32, self._u64 = self._forms[4], self._forms[10]
        self._texts, self._room = 0, _KEPT

    def header(self) -> Header:
        tensors = self._count("the number of tensors", _MOST_TENSORS)
        keys = self._count("the number of keys", _MOST_KEYS)
        self._fit("keys", keys, _LEAST_KEY)
        metadata: dict[str, Any] = {}
        for _each in range(keys):
            key = self._name("a key", _LONGEST_KEY)
            if key in metadata:
                raise self._error(f"the key {key[:80]!r} comes twice", "each once")
            metadata[key] = self._value(f"the value of {key[:80]!r}")
        self._fit("tensors", tensors, _LEAST_TENSOR)
        alignment = metadata.get(_ALIGNMENT, 32)
        if not _whole(alignment) or alignment < 1 or alignment & (alignment - 1):
            raise self._error(f"{_ALIGNMENT} is {str(alignment)[:80]}", "a power of two")
        table = self._tensors(tensors)
        data = -(-self._window.offset // alignment) * alignment
        self._check_data(table, data, alignment)
        return Header(self._version, self._big, metadata, table, data)

    def _error(self, found: str, possible: str) -> OllamaError:
        return OllamaError(f"at byte {self._window.offset}: {found}, expected {possible}")

    def _count(self, what: str, most: int) -> int:
        count = self._u64_of(what)
        if count > most:
            raise self._error(f"{what} before it is {count}", f"{most} at most")
        return count

    def _u64_of(self, what: str) -> int:
        return int(self._window.number(self._u64, what))

    def _u32_of(self, what: str) -> int:
        return int(self._window.number(self._u32, what))

    def _fit(self, what: str, count: int, least: int) -> None:
        if count * least > self._window.left:
            raise self._error(
                f"{count} {what} are announced", f"{self._window.left // least} at most in the rest of the file"
            )

    def _name(self, what: str, longest: int) -> str:
        length = int(self._window.number(self._u64, what))
        if not 0 < length <= longest:
            raise self._error(f"{what} has {length} bytes", f"1 to {longest}")
        return self._window.take(length, what).decode("utf-8", "replace")

    def _value(self, what: str) -> Any:  # noqa: ANN401 - as many kinds as a file may hold
        kind = self._u32_of(f"the type of {what}")
        if kind == _TEXT:
            return self._text(what)
        if kind == _LIST:
            return self._list(what)
        if kind not in self._forms:
            raise self._error(f"{what} has the type {kind}", "0 to 12")
        return self._window.number(self._forms[kind], what)

    def _text(self, what: str) -> str | Skipped:
        length = self._u64_of(f"the length of {what}")
        if length > _LONGEST_TEXT:
            raise self._error(f"{what} has {length} bytes", f"{_LONGEST_TEXT} at most")
        if length > _KEPT_TEXT or not self._keep(length):
            self._window.skip(length, what)
            return Skipped(length)
        return self._window.take(length, what).decode("utf-8", "replace")

    def _list(self, what: str) -> list[Any] | Skipped:
        kind = self._u32_of(f"the type of the elements of {what}")
        count = self._u64_of(f"the number of elements of {what}")
        if kind == _TEXT:
            if count > _MOST_TEXTS - self._texts:
                raise self._error(f"{what} has {count} texts", f"{_MOST_TEXTS - self._texts} more at most")
            self._texts += count
            self._fit("texts", count, 8)
            self._window.skip_texts(count, self._u64, _LONGEST_TEXT, what)
            return Skipped(count)
        if kind == _LIST:
            raise self._error(f"{what} is a list of lists", "one of numbers or texts")
        if kind not in self._forms:
            raise self._error(f"{what} has elements of the type {kind}", "0 to 12")
        form = self._forms[kind]
        self._fit("elements", count, form.size)
        if count > _LONGEST_LIST or not self._keep(count):
            self._window.skip(count * form.size, what)
            return Skipped(count)
        data = self._window.take(count * form.size, what)
        return list(struct.unpack(f"{'>' if self._big else '<'}{count}{_FORMS[kind]}", data))

    def _keep(self, count: int) -> bool:
        """Whether there is room for more characters or numbers."""
        if count > self._room:
            return False
        self._room -= count
        return True

    def _tensors(self, count: int) -> tuple[Tensor, ...]:
        found: dict[str, Tensor] = {}
        shapes = [struct.Struct(f"{'>' if self._big else '<'}{number}QIQ") for number in range(_DIMENSIONS + 1)]
        for _each in range(count):
            name = self._name("the name of a tensor", _LONGEST_NAME)
            if name in found:
                raise self._error(f"the tensor {name!r} comes twice", "each once")
            dimensions = int(self._window.number(self._u32, "a tensor"))
            if dimensions > _DIMENSIONS:
                raise self._error(f"the tensor {name!r} has {dimensions} dimensions", f"{_DIMENSIONS} at most")
            form = shapes[dimensions]
            *shape, kind, offset = form.unpack(self._window.take(form.size, "a tensor"))
            found[name] = self._tensor(name, tuple(shape), kind, offset)
        return tuple(found.values())

    def _tensor(self, name: str, shape: tuple[int, ...], kind: int, offset: int) -> Tensor:
        elements = 1
        for number in shape:
            elements *= number
        if elements > _MOST_ELEMENTS or (elements == 0 and max(shape) > _MOST_ELEMENTS):
            raise self._error(f"the tensor {name!r} has the shape {list(shape)}", f"{_MOST_ELEMENTS} elements at most")
        if kind not in BLOCKS:
            raise self._error(f"the tensor {name!r} has the type {kind}", "one that llama.cpp reads")
        block, size = BLOCKS[kind]
        row = shape[0] if shape else 1
        if row % block:
            raise self._error(f"the rows of the tensor {name!r} have {row} elements", f"a multiple of {block}")
        return Tensor(name, shape, kind, offset, elements, elements // block * size)

    def _check_data(self, tensors: tuple[Tensor, ...], data: int, alignment: int) -> None:
        size = self._window.size
        total = 0
        for tensor in tensors:
            end = data + tensor.offset + tensor.size_bytes
            total += tensor.size_bytes
            if end > size:
                raise OllamaError(f"the tensor {tensor.name!r} ends at byte {end}, and the file at byte {size}")
            if tensor.offset % alignment:
                raise OllamaError(
                    f"the tensor {tensor.name!r} begins at byte {tensor.offset} of the tensors, expected a multiple of "
                    f"{alignment}"
                )
        if data + total > size and tensors:
            raise OllamaError(f"the tensors have {total} bytes, expected {size - data} at most")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
