# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make prompts of a given length: the same ones for the same seed, and none that begins as another one.
The lengths of answers are drawn here too.

A server keeps what it has computed of a prompt and reuses it for one with the same beginning (llama.cpp, tools/server:
``cache_prompt`` and ``--cache-ram``). So words are drawn for each prompt by its number, and the first ones by what
only this call has too: without that a second call would meet its own prompts of the first one in the cache.
"""

from __future__ import annotations

import random

DEFEAT, USE = "defeat", "use"
# Short words that are one token with the blank before them in the vocabularies of most models: as many as a byte has
# values, so that a prompt of thousands of words is drawn in a fraction of a millisecond.
_TEXT = """
the and for are but not you all any can had her was one our out day get has him his how man new now old see two way
who boy did its let put say she too use air arm art ask bad bag bar bed big bit box bus buy car cat cup cut dog dry
ear eat egg end eye far few fly fun gas god gun hat hit hot ice job key kid law lay leg lie lot low map mix net nor
off oil own pay pen per pop raw red row run sea set sit six sky son sun tax tea ten tie tip top try war wet win yes
yet able area army away baby back ball band bank base bear beat been bill bird blue body book both call came card care
case city club cold come cost dark data date dead deal deep door down draw each east easy edge even ever face fact
fair fall farm fast fear feel file fill film find fine fire fish five flat food foot form four free full game gave
girl give goal gold gone good gray grew hair half hall hand hang hard head hear heat held help here high hill hold
home hope hour huge idea into iron item join jump just keep kept kind king knew know lack lady lake land last late
lead left less life line list live load long look lost love made make many mark mind miss more most move much name
near
"""
WORDS = tuple(_TEXT.split())
_OWN_WORDS = 3


class Prompts:
    """Prompts by their number; ``own`` tells this call from others, such as by random bytes."""

    def __init__(self, seed: int, cache: str, own: bytes) -> None:
        self._seed = seed
        self._cache = cache
        self._own = own.hex()

    def make(self, number: int, words: int) -> str:
        """Return a prompt of so many words.

        Where the cache is to be used there is only the one with number 0; those below 0 are never the same.
        """
        number = number if self._cache == DEFEAT or number < 0 else 0
        # No secret is made of it.
        first = random.Random(f"{self._seed} {number} {self._own}").randbytes(_OWN_WORDS)  # noqa: S311 - see above
        others = random.Random(f"{self._seed} {number}").randbytes(max(0, words - _OWN_WORDS))  # noqa: S311 - same
        return " ".join(map(WORDS.__getitem__, (first + others)[:words]))


def answer_tokens(seed: int, number: int, mean: int, stdev: int) -> int:
    """Return how many tokens to ask for with the prompt of this number.

    They vary by so many, at most twice as much, so that callers who began at once do not go on in step: answers of one
    length give waves of tokens with gaps between them.
    """
    if not stdev:
        return mean
    drawn = random.Random(f"answer {seed} {number}").gauss(0, stdev)  # noqa: S311 - no secret
    return max(1, mean + round(max(-2 * stdev, min(2 * stdev, drawn))))


def corrected(words: int, counted: int | None, wanted: int) -> int | None:
    """Return the number of words for a prompt of the wanted tokens, as the server counted the last one.

    None where that one fits (2 %, or a token) or the server does not count.
    """
    if not counted or abs(counted - wanted) <= max(1, wanted * 0.02):
        return None
    better = max(1, round(words * wanted / counted))
    return None if better == words else better
