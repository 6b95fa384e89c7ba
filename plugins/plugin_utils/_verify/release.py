# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a server answers at the planned address, and is of the release that the plan was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._errors import OllamaError
from ansible_collections.inference.ollama.plugins.module_utils._service.no_answer import NOT_KNOWN
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._verify import cause
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import SITE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Check, Subject

RELEASE, API = "release", "api"


def parsed(said: str | None) -> Release | None:
    """The release; None for a text of another form."""
    try:
        return None if said is None else parse_release(said)
    except OllamaError:
        return None


def check_api(subject: Subject) -> Check:
    """A server that runs and does not answer where it is planned to serves nobody, whoever else answers there."""
    url, observed = subject.planned["url"], subject.observed
    evidence = f"GET {url}/api/version"
    unsure = observed.problem(f"{url}/api/version: {NOT_KNOWN}") if observed.own is None else None
    if observed.version is not None and unsure is not None:
        remedy = "run the playbook as root, and ask the server where it listens itself, with nothing in between"
        return subject.unknown(API, url, url, unsure, remedy)
    if observed.own is False:
        seen = f"an answer of {observed.answered_by or 'another process'}"
        remedy = f"stop that process, or choose another address; then {cause.restart(subject)}"
        said = observed.problem(f"{url}/api/version") or evidence
        return subject.fails(API, url, seen, cause.with_last_words(subject, said), remedy)
    if observed.version is not None:
        return subject.passes(API, url, url, evidence)
    problem = observed.problem(f"{url}/api/version")
    if problem is None:
        return subject.unread(API, url, evidence)
    remedy = f"journalctl -u {subject.unit} shows where it listens, or why it ended"
    return subject.fails(API, url, "no answer", cause.with_last_words(subject, problem), remedy)


def check_release(subject: Subject) -> Check:
    """An older server than planned does not read what it should, a newer one may read it otherwise."""
    evidence, said = f"/api/version of {subject.planned['url']}", subject.observed.version
    if said is None:
        return subject.unread(RELEASE, subject.intended, evidence, "/api/version")
    if subject.running is None:
        remedy = f"name the release that it was built from in ollama_version; then {SITE}"
        return subject.unknown(RELEASE, subject.intended, said[:60], f"{evidence}: not a release", remedy)
    if subject.intended is None:
        remedy = f"the plan was made without knowing the release: {SITE}, or name it in ollama_version"
        return subject.unknown(RELEASE, None, subject.running, evidence, remedy)
    if subject.running == subject.intended:
        return subject.passes(RELEASE, subject.intended, subject.running, evidence)
    if subject.running < subject.intended:
        remedy = (
            f"the server is older than the plan assumed: {cause.restart(subject)}, if {subject.intended} is installed;"
            " else upgrade Ollama, or set ollama_version"
        )
    else:
        remedy = (
            "the server is newer than the plan assumed: leave ollama_version on auto (in a container, name the image's"
            f" own release in the tag of ollama_image), and {SITE}"
        )
    return subject.fails(RELEASE, subject.intended, subject.running, evidence, remedy)
