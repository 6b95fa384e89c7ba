# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server answers the same prompts as before a change, and whether what differs says anything of the change.

A round is ``{answers, error}``: what the module answers_info returned, or why there is nothing. Of the rounds before
the change the first one counts; the others show which answers are stable at all. The first round of each side finds the
same prompt cache, an empty one as far as these prompts are concerned, so it is compared with the one after the change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.module_utils._text import one_line
from ansible_collections.inference.ollama.plugins.plugin_utils._table import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SCHEMA = 1
# Of a prompt, and of all.
IDENTICAL, DIFFERS, LENGTH, NO_ANSWER, UNSTABLE, NOT_ASKED = (
    *("identical", "differs", "length", "no_answer", "unstable", "not_asked"),
)
SAME, DIFFERENT, NOT_COMPARED = "same", "different", "not_compared"
_WRONG = (DIFFERS, LENGTH, NO_ANSWER)
# Characters that are shown of a prompt, and of an answer from shortly before where it differs.
_PROMPT, _SHOWN, _AROUND = 60, 60, 12


def answers_verdict(
    before: Sequence[Mapping[str, Any]], after: Mapping[str, Any] | None, host: str = ""
) -> dict[str, Any]:
    """Return ``{schema, verdict, reason, host, model, before, after, prompts, counts, rows, text, sentence, lines}``.

    ``verdict`` is ``different`` where an answer differs that was stable before, or is missing; ``same`` where each one
    that was stable is as before; ``unstable`` where none was stable; ``not_compared`` where nothing can be. ``before``
    and ``after`` are the releases, ``counts`` how many prompts have which outcome.
    """
    first = before[0] if before else {}
    old, new = first.get("answers"), (after or {}).get("answers")
    reason = _incomparable(first, old, after, new)
    rows = [] if old is None or reason else [*_rows([each.get("answers") for each in before], new)]
    counts = {kind: number for kind in _ORDER if (number := sum(row["outcome"] == kind for row in rows))}
    verdict = _verdict(rows, reason)
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "verdict": verdict,
        "reason": reason or (_NOBODY if verdict == NOT_COMPARED else None),
        "host": host,
        "model": (old or {}).get("model"),
        "before": (old or {}).get("release"),
        "after": (new or {}).get("release"),
        "prompts": len(rows),
        "counts": counts,
        "rows": rows,
    }
    made["text"] = _text(made)
    made["sentence"] = _sentence(made, after)
    return {**made, "lines": [*_lines(made)]}


_ORDER = (IDENTICAL, DIFFERS, LENGTH, NO_ANSWER, UNSTABLE, NOT_ASKED)
_NOBODY = "no prompt was answered before the change"


def _incomparable(
    first: Mapping[str, Any],
    old: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
) -> str | None:
    if old is None:
        return one_line(str(first.get("error") or "nothing was asked before the change")).rstrip(". ")
    if after is None:
        return "nothing was asked after the change"
    digests = [each["digest"] for each in (old, new) if each is not None and each["digest"]]
    if len(set(digests)) > 1:
        return f"{old['model']} is another build now: {digests[0][:12]} before, {digests[1][:12]} after the change"
    return None


def _rows(before: Sequence[Mapping[str, Any] | None], new: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    rounds = [[*each["answers"]] for each in before if each is not None]
    later = {each["prompt"]: each for each in (new or {"answers": ()})["answers"]}
    for number, entry in enumerate(rounds[0]):
        others = [each[number] for each in rounds[1:] if number < len(each)]
        yield {"prompt": entry["prompt"], **_compared(entry, others, later.get(entry["prompt"]))}


def _compared(
    old: Mapping[str, Any], others: Sequence[Mapping[str, Any]], new: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return ``{outcome, at, before, after}`` of a prompt; ``at`` counts characters from 1."""
    nothing: dict[str, Any] = {"at": None, "before": None, "after": None}
    if old["error"] is not None:
        return {"outcome": NOT_ASKED, **nothing, "before": old["error"]}
    if new is None or new["error"] is not None:
        return {"outcome": NO_ANSWER, **nothing, "after": "no answer" if new is None else new["error"]}
    if new["sha256"] == old["sha256"]:
        return {"outcome": IDENTICAL, **nothing}
    # One that failed the second time was no answer to compare with.
    again = [each for each in others if each["error"] is None]
    if any(each["sha256"] != old["sha256"] for each in again):
        return {"outcome": UNSTABLE, **nothing}
    one, other = _whole(old), _whole(new)
    same = next((at for at, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))
    begins = max(0, same - _AROUND)
    return {
        "outcome": LENGTH if same in (len(one), len(other)) else DIFFERS,
        "at": same + 1,
        "before": one_line(one[begins : begins + _SHOWN]),
        "after": one_line(other[begins : begins + _SHOWN]),
    }


def _whole(entry: Mapping[str, Any]) -> str:
    return f"{entry['thinking'] or ''}{entry['text']}"


def _verdict(rows: Sequence[Mapping[str, Any]], reason: str | None) -> str:
    outcomes = {row["outcome"] for row in rows}
    if reason or outcomes <= {NOT_ASKED}:
        return NOT_COMPARED
    if outcomes & set(_WRONG):
        return DIFFERENT
    return SAME if IDENTICAL in outcomes else UNSTABLE


def _text(made: Mapping[str, Any]) -> str:
    """Return a verdict in the few words that a line of many hosts has room for."""
    if made["verdict"] == NOT_COMPARED:
        return f"not compared, {made['reason']}"
    counts = made["counts"]
    words = [f"{counts.get(IDENTICAL, 0)} of {made['prompts']} as before"]
    changed = counts.get(DIFFERS, 0) + counts.get(LENGTH, 0)
    words += [f"{changed} otherwise"] if changed else []
    words += [f"{counts[NO_ANSWER]} without an answer"] if NO_ANSWER in counts else []
    words += [f"{counts[UNSTABLE]} not stable before either"] if UNSTABLE in counts else []
    words += [f"{counts[NOT_ASKED]} not answered before"] if NOT_ASKED in counts else []
    return ", ".join(words)


def _sentence(made: Mapping[str, Any], after: Mapping[str, Any] | None) -> str:
    """Return a verdict in one sentence, without a full stop."""
    releases = f"{made['before'] or 'an unknown release'} and {made['after'] or 'an unknown release'}"
    if made["verdict"] == NOT_COMPARED:
        return f"the answers of before and after were not compared: {made['reason']}"
    if made["verdict"] == DIFFERENT:
        failed = one_line(str((after or {}).get("error") or "")).rstrip(". ")
        why = f": {failed}" if failed else ""
        return f"{made['model']} answers otherwise after the change than before ({releases}): {made['text']}{why}"
    if made["verdict"] == UNSTABLE:
        return (
            f"{made['model']} answered the same prompts in two ways before the change already, so that what it says"
            f" after it ({releases}) tells nothing"
        )
    return f"{made['model']} answers as before ({releases}): {made['text']}"


def _lines(made: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of what is not as before."""
    start = f"{made['host']}: " if made["host"] else ""
    yield from wrapped(f"{start}{made['sentence']}", indent=4)
    for row in made["rows"]:
        if row["outcome"] in (IDENTICAL, UNSTABLE):
            continue
        said = {
            NOT_ASKED: "no answer before the change",
            NO_ANSWER: "no answer after the change",
            LENGTH: f"the same up to character {(row['at'] or 0) - 1}, where one of both ends",
            DIFFERS: f"differs at character {row['at']}",
        }[row["outcome"]]
        yield from wrapped(f"{said}: {one_line(row['prompt'], _PROMPT)}", "  ", 4)
        for when in ("before", "after"):
            if row[when] is not None:
                yield from wrapped(row[when] or "(nothing more)", f"    {when}: ")
