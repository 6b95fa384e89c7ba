# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a server may be asked at once: prompts, characters of one, tokens of an answer, and seconds."""

from __future__ import annotations

MOST_PROMPTS, LONGEST_PROMPT, MOST_TOKENS, LONGEST_WAIT = 32, 8000, 2048, 86400
