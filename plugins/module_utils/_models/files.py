# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the models in GGUF files that lie anywhere, in one file or split into several.

tools/gguf-split of llama.cpp b11434: ``NAME-00001-of-00003.gguf``, split.no, split.count and split.tensors.count.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import read_header
from ansible_collections.inference.ollama.plugins.module_utils._models.projector import projector_from
from ansible_collections.inference.ollama.plugins.module_utils._models.record import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.inference.ollama.plugins.module_utils._models.gguf import Header
    from ansible_collections.inference.ollama.plugins.module_utils._models.record import Problem

_SPLIT = re.compile(r"(.+)-([0-9]{5})-of-([0-9]{5})\.gguf")
# A pipe must not be waited for, and a terminal not become this process's own.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
# The largest models have about a hundred parts.
_MOST_PARTS = 1000
_PROJECTORS = ("clip", "mmproj")


def read_file(path: str) -> tuple[Header, int]:
    """The header of the file at a path of this machine, and the file's bytes.

    Raises OllamaError with the path, for what is no regular file too.
    """
    try:
        number = os.open(path, _FLAGS)
        try:
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode):
                raise OllamaError(f"{path}: it is not a regular file")
            with open(number, "rb", buffering=0, closefd=False) as file:
                return _header(file, path, status.st_size), status.st_size
        finally:
            os.close(number)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its path is not one"
        raise OllamaError(f"{path}: cannot be read ({reason})") from None


def _header(file: Any, path: str, size: int) -> Header:  # noqa: ANN401 - open() says no more
    try:
        return read_header(file, size)
    except OllamaError as error:
        raise OllamaError(f"{path}: {error}") from None


def parts_of(path: str) -> list[str]:
    """The paths of all files of a split model by the path of any, in order; the path itself of another file."""
    match = _SPLIT.fullmatch(path)
    if match is None or not 1 <= int(match.group(2)) <= int(match.group(3)) <= _MOST_PARTS:
        return [path]
    count = int(match.group(3))
    return [f"{match.group(1)}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]


def read_model_files(paths: Sequence[str]) -> tuple[dict[str, Any] | None, list[str]]:
    """The record of one model by the paths of its files, and what could not be read.

    Of a split model one path is enough; a projector may stand beside the model. Each problem is a sentence with the
    path. The record is None where the model cannot be read as a whole.
    """
    problems: list[str] = []
    models, projectors, total = _read_all(paths, problems)
    if not models or problems:
        return None, problems or [f"{', '.join(paths)}: there is no model among the files"]
    first = models[0][0]
    record = record_of([header for _path, header, _size in models], lambda text: problems.append(f"{first}: {text}"))
    record["files"] = _listed(models, "model") + _listed(projectors, "projector")
    record.update(name=os.path.basename(first), source="file", size_bytes=total)
    if projectors:
        record["projector"] = projector_from(projectors[0][1])
    return record, problems


def read_every_model(paths: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The records of several models by the paths of their files, and what could not be read.

    Any files of a split model lead to one record; a projector belongs to the model before it.
    """
    groups: list[list[str]] = []
    seen: set[str] = set()
    for path in paths:
        parts = parts_of(path)
        if parts[0] in seen:
            continue
        seen.add(parts[0])
        if groups and _is_projector(path):
            groups[-1].append(path)
        else:
            groups.append([path])
    found = [read_model_files(group) for group in groups]
    return [record for record, _problems in found if record is not None], [
        problem for _record, problems in found for problem in problems
    ]


def _is_projector(path: str) -> bool:
    try:
        return _role(read_file(path)[0]) == "projector"
    except OllamaError:
        return False


def _role(header: Header) -> str:
    said = (header.metadata.get("general.architecture"), header.metadata.get("general.type"))
    return "projector" if any(each in _PROJECTORS for each in said if isinstance(each, str)) else "model"


_Read = tuple[str, "Header", int]


def _listed(files: list[_Read], role: str) -> list[dict[str, Any]]:
    return [{"role": role, "path": path, "size_bytes": size} for path, _header, size in files]


def _read_all(paths: Sequence[str], problems: list[str]) -> tuple[list[_Read], list[_Read], int]:
    every = list(dict.fromkeys(part for path in paths for part in parts_of(path)))
    models: list[_Read] = []
    projectors: list[_Read] = []
    for path in every:
        try:
            header, size = read_file(path)
        except OllamaError as error:
            problems.append(str(error))
            continue
        (projectors if _role(header) == "projector" else models).append((path, header, size))
    check_split(models, problems.append)
    return models, projectors, sum(size for _path, _header, size in [*models, *projectors])


def check_split(models: Sequence[_Read], problem: Problem) -> None:
    """Say where files are not the parts of one model, all of them and in order."""
    if not models:
        return
    path, header, _size = models[0]
    count = header.metadata.get("split.count", 1) or 1
    if count != len(models):
        problem(f"{path}: the model has {count} parts, of which {len(models)} were read")
        return
    for number, (part, header, _size) in enumerate(models if len(models) > 1 else []):
        said = header.metadata.get("split.no")
        if said != number:
            problem(f"{part}: it says that it is part {said} from 0 on, expected {number}")
    tensors = models[0][1].metadata.get("split.tensors.count")
    found = sum(len(header.tensors) for _path, header, _size in models)
    if len(models) > 1 and tensors is not None and tensors != found:
        problem(f"{path}: the model has {tensors} tensors, of which its parts hold {found}")
