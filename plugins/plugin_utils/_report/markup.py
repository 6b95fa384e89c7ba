# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elements of a page. Whatever is no Markup is escaped, so that a text can never become an element.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

import html
from typing import Iterable, Optional, Union

from ansible_collections.inference.ollama.plugins.plugin_utils._report.clean import printable
from ansible_collections.inference.ollama.plugins.plugin_utils._report.host import VERDICTS

_VOID = frozenset({"br", "meta", "link"})


class Markup(str):
    """Text that is HTML already. Only this file and the pictures make it of other text."""

    __slots__ = ()


Child = Union[None, str, int, "Iterable[Child]"]


def escape(text: object) -> str:
    """Text for an element or an attribute in double quotes."""
    return html.escape(printable(str(text)))


def el(tag: str, /, *children: Child, **attributes: Optional[str]) -> Markup:
    """An element; an attribute is left out where it is None, and ``class_`` is ``class``."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{joined(children)}</{tag}>")


def joined(children: Iterable[Child]) -> Markup:
    """Children one after the other."""
    return Markup("".join(map(_child, children)))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, (str, int)):
        return escape(child)
    return joined(child)


def code(value: object) -> Markup:
    """A value as the host has it; a dash where there is none."""
    return el("span", "-", class_="none") if value is None or value == "" else el("code", shown(value))


def shown(value: object) -> str:
    """A value of any kind as one text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(map(shown, value))
    return "" if value is None else str(value)


def badge(word: str, kind: str | None = None) -> Markup:
    """A word in a colour and with a sign; ``kind`` is the verdict whose looks it has."""
    kind = kind or word
    if kind not in VERDICTS:
        kind = "unknown"
    sign = Markup(f'<svg class="sign" aria-hidden="true"><use href="#sign-{kind}"/></svg>')
    return el("span", sign, word, class_=f"badge {kind}")


def table(caption: str, heads: Iterable[str], body: Iterable[Child], class_: str = "") -> Markup:
    """A table that is moved in a box of its own where it is wider than the page; ``body`` are its tbody elements."""
    head = el("thead", el("tr", [el("th", name, scope="col") for name in heads]))
    inner = el("table", el("caption", caption), head, body, class_=class_ or None)
    return el("div", inner, class_="scroll", role="region", tabindex="0", aria_label=caption)


def anchor(name: str) -> str:
    """An identifier for any name, another one for another name."""
    return "host-" + "".join(
        char if char.isascii() and (char.isalnum() or char in ".-") else f"_{ord(char):x}_" for char in name
    )


__all__ = ("Markup", "anchor", "badge", "code", "el", "escape", "joined", "shown", "table")
