# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server answers at the planned address, and is of the release that the plan was made for.

Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import SITE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._contract import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.case import Case, Check

_NAME, _API = "release", "api"


def parsed(said: str | None) -> Release | None:
    """The release; None for a text that is none."""
    try:
        return None if said is None else parse_release(said)
    except OllamaError:
        return None


def answers(case: Case) -> Check:
    """A server that runs and does not answer where it is planned to serves nobody."""
    url, state = case.planned["url"], case.state
    evidence = f"GET {url}/api/version"
    if state.version is not None:
        return case.passes(_API, url, url, evidence)
    problem = state.problem(f"{url}/api/version")
    if problem is None:
        return case.unread(_API, url, evidence)
    remedy = f"journalctl -u {case.unit} tells where it listens, or why it ended"
    return case.fails(_API, url, "no answer", cause.words(case, problem), remedy)


def look(case: Case) -> Check:
    """An older server than planned does not read what it should, a newer one may read it otherwise."""
    evidence, said = f"/api/version of {case.planned['url']}", case.state.version
    if said is None:
        return case.unread(_NAME, case.intended, evidence, "/api/version")
    if case.running is None:
        remedy = f"name the release that it was built from in ollama_version; then {SITE}"
        return case.unknown(_NAME, case.intended, said[:60], f"{evidence}: it is no release", remedy)
    if case.intended is None:
        remedy = f"the plan was made without knowing the release: {SITE}, or name it in ollama_version"
        return case.unknown(_NAME, None, case.running, evidence, remedy)
    if case.running == case.intended:
        return case.passes(_NAME, case.intended, case.running, evidence)
    if case.running < case.intended:
        remedy = (
            f"the server is older than the plan assumed: {cause.restart(case)}, if {case.intended} is installed; else"
            " upgrade Ollama, or set ollama_version"
        )
    else:
        remedy = f"the server is newer than the plan assumed: leave ollama_version on auto, and {SITE}"
    return case.fails(_NAME, case.intended, case.running, evidence, remedy)


__all__ = ("answers", "look", "parsed")
