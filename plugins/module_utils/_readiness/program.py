# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that stays on a host: ``wait``, ``watch`` or ``resume``, each with arguments of its own."""

from __future__ import annotations

import sys

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError


def main(arguments: list[str]) -> int:
    """Run the part that the first argument names; 2 where it names none."""
    part, rest = (arguments[0] if arguments else ""), arguments[1:]
    try:
        if part == "wait":
            # A start waits for it, so that nothing else is read.
            from ansible_collections.inference.ollama.plugins.module_utils._readiness import nodes  # noqa: PLC0415 only here

            return nodes.main(rest)
        if part == "watch":
            from ansible_collections.inference.ollama.plugins.module_utils._readiness import watch  # noqa: PLC0415 only here

            return watch.main(rest)
        if part == "resume":
            from ansible_collections.inference.ollama.plugins.module_utils._readiness import resume  # noqa: PLC0415 only here

            return resume.main(rest)
    except OllamaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{part!r} is not wait, watch or resume\n")
    return 2
