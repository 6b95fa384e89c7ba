# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create a model of another one, or of a GGUF file, with parameters and texts of its own; only where it is another.

server/create.go of Ollama 0.32.15: what is created takes over the parameters of its base, but for those that are named,
and its weights are files of the same digests. A GGUF file is rewritten from 0.30 on, so that its digest is in no
answer. It is therefore created under a name that says its digest and what was asked for, and what has the model's own
name is made of that one: the server shows it as the parent from then on, and the first name is taken away.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._models.failures import Failure
from ansible_collections.inference.ollama.plugins.module_utils._models.library import Entry, Shown, described
from ansible_collections.inference.ollama.plugins.module_utils._models.names import shortened
from ansible_collections.inference.ollama.plugins.module_utils._models.parameters import canonical, unknown
from ansible_collections.inference.ollama.plugins.module_utils._models.presence import Outcome, remove
from ansible_collections.inference.ollama.plugins.module_utils._models.server import SUMMED_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.inference.ollama.plugins.module_utils._models.presence import World
    from ansible_collections.inference.ollama.plugins.module_utils._models.source_file import SourceFile

_MARK = 12


class Texts(NamedTuple):
    """What a model shall have beside its weights; None for what it takes over."""

    parameters: Mapping[str, Any]
    template: Optional[str] = None
    system: Optional[str] = None

    def body(self) -> dict[str, Any]:
        """These as fields of a request."""
        found = {"parameters": dict(self.parameters), "template": self.template, "system": self.system}
        return {key: value for key, value in found.items() if value}

    def mark(self) -> str:
        """A few hexadecimal digits that are others for other texts."""
        said = json.dumps(self.body(), sort_keys=True)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]


def created_from(world: World, name: str, base: str, texts: Texts) -> Outcome:
    """Have a model that is made of another one of the server."""
    library = world.library
    _note_unknown(world, texts)
    found = library.show(base)
    entry = library.entry(name)
    if found is None:
        # A run in check mode has not pulled what one for real has.
        if world.acts:
            raise OllamaError(f"base: the server has no model {base}; have it with state present first")
        world.problems.append(f"base: the server has no model {base} yet")
        found = Shown({}, "", "", "", (), None)
    wanted = Shown(
        {**found.parameters, **canonical(texts.parameters)},
        texts.template or found.template,
        texts.system or found.system,
        shortened(base),
        found.weights,
        found.store,
    )

    def same(shown: Shown) -> bool:
        of_base = shown.weights == wanted.weights if wanted.weights else shortened(shown.parent) == wanted.parent
        return of_base and shown[:3] == wanted[:3]

    shown = None if entry is None else library.show(entry.name)
    text = described(entry, shown)
    before = None if entry is None else entry.digest
    if shown is not None and same(shown):
        return Outcome(changed=False, before=before, after=before, text_before=text, text_after=text)
    if not world.acts:
        after = described(Entry(name, None), wanted)
        return Outcome(changed=True, before=before, after=None, text_before=text, text_after=after)
    _create(world, name, {"model": name, "from": base, **texts.body()})
    return _done(world, name, before, text, same)


def created_of(world: World, name: str, file: SourceFile, texts: Texts) -> Outcome:
    """Have a model that is made of a GGUF file."""
    library = world.library
    _note_unknown(world, texts)
    entry = library.entry(name)
    shown = None if entry is None else library.show(entry.name)
    text, before = described(entry, shown), None if entry is None else entry.digest
    marked = f"sha256-{file.digest()}:{texts.mark()}"

    def same(shown: Shown) -> bool:
        asked = canonical(texts.parameters)
        kept = all(shown.parameters.get(key) == value for key, value in asked.items())
        said = texts.template in (None, "", shown.template) and texts.system in (None, "", shown.system)
        return shortened(shown.parent) == marked and kept and said

    if shown is not None and same(shown):
        _drop(world, marked)
        return Outcome(changed=False, before=before, after=before, text_before=text, text_after=text)
    if not world.acts:
        wanted = Shown(canonical(texts.parameters), texts.template or "", texts.system or "", marked, (), None)
        after = described(Entry(name, None), wanted)
        return Outcome(changed=True, before=before, after=None, text_before=text, text_after=after)
    if library.entry(marked) is None:
        file.give(world)
        _create(
            world,
            name,
            {"model": marked, "files": {file.name: f"sha256:{file.digest()}"}, **texts.body()},
            file.size_bytes,
        )
    _create(world, name, {"model": name, "from": marked})
    remove(world, marked)
    file.drop()
    done = _done(world, name, before, text, same)
    return done._replace(downloaded_bytes=file.downloaded_bytes)


def _drop(world: World, marked: str) -> None:
    """Take away what an earlier run that was killed has left."""
    if world.acts and world.library.entry(marked) is not None:
        remove(world, marked)


def _note_unknown(world: World, texts: Texts) -> None:
    names = unknown(texts.parameters)
    if names:
        world.problems.append(f"parameters: no known release of Ollama reads {', '.join(names)}")


def _create(world: World, name: str, body: dict[str, Any], size_bytes: int = 0) -> None:
    """Let the server create a model, and report its progress; it sums up so many bytes without a line."""
    last, silent = "", world.library.server.timeout + size_bytes / SUMMED_BYTES
    ends, clock = world.bounds.ends, world.bounds.clock

    def quiet(_line: dict[str, Any]) -> float | None:
        left = ends - clock()
        if left <= 0:
            raise Failure("it takes longer than max_duration", again=False)
        return min(silent, left)

    try:
        for line in world.library.server.lines("/api/create", {"name": body["model"], **body}, quiet):
            last = str(line.get("status"))
            world.say(f"{name}: {last}")
    except Failure as failure:
        raise OllamaError(failure.sentence(f"model {name}: it was not created")) from None
    if last != "success":
        raise OllamaError(f"model {name}: it was not created: the answer ended before its last line")


def _done(world: World, name: str, before: str | None, text: str, same: Callable[[Shown], bool]) -> Outcome:
    """What became of a model that was created; ``same`` says whether what the server shows is what was asked for."""
    entry = world.library.entry(name)
    shown = world.library.show(name)
    if entry is None or shown is None:
        raise OllamaError(f"model {name}: it was created, and the server has none of this name")
    if not same(shown):
        world.problems.append(
            f"model {name}: the server shows it otherwise than was asked for, so that each run creates it again"
        )
    return Outcome(entry.digest != before, before, entry.digest, text, described(entry, shown))
