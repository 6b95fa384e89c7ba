# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is around every picture: its words for assistive programs, the page that it is drawn on, its style sheet."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.inference.ollama.plugins.plugin_utils._picture import style, svg

_MARGIN = 20
NARROWEST = 620


@dataclass(frozen=True)
class Frame:
    """A drawn page, its title and its description, and the size of the CPUs on it."""

    title: str
    words: str
    page: svg.Block
    size: style.Size = style.SIZES[0]

    def document(self, sheet: str = "") -> str:
        """One SVG document that ends in a line break, with a style sheet of its own or that of a topology."""
        attributes, inside = self._drawn()
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{style.ROOT}" role="graphics-document"{attributes}>\n'
            f"{self._named()}{sheet or style.sheet(self.size)}{inside}\n</svg>\n"
        )

    def element(self) -> str:
        """The same as an element of a page that has shared_sheet(); one image to assistive programs."""
        attributes, inside = self._drawn()
        classes = f"{style.ROOT} {style.size_class(self.size)}"
        return f'<svg class="{classes}" role="img"{attributes}>\n{self._named()}{inside}\n</svg>\n'

    def _named(self) -> str:
        return f"{svg.element('title', self.title)}\n{svg.element('desc', self.words)}\n"

    def _drawn(self) -> tuple[str, str]:
        """The attributes with the size of the picture, and what is drawn."""
        width, height = max(self.page.width, NARROWEST), self.page.height
        outer, down = width + 2 * _MARGIN, height + 2 * _MARGIN
        attributes = f' width="{outer}" height="{down}" viewBox="0 0 {outer} {down}"'
        background = svg.rect("page", outer - 1, down - 1, 10, (0.5, 0.5))
        return attributes, f"{background}\n{svg.at(_MARGIN, _MARGIN, self.page.draw(width, height))}"
