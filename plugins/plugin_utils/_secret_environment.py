# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a server, ``ollama_api_key`` and ``ollama_secret_environment``: are they right, and their file's text.

No refusal holds a value. A plan knows names alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.module_utils._secrets import carries_secret
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._options import form_of
from ansible_collections.inference.ollama.plugins.plugin_utils._values import check_value, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "OLLAMA_API_KEY"
OPTION = "ollama_secret_environment"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# In an environment file these keep their meaning within double quotes (systemd.exec(5), "EnvironmentFile=").
_ESCAPED = re.compile(r'([\\"$`])')


def secrets_of(environment: object, key: object = None) -> dict[str, str]:
    """Return the secrets that have a value, by name; what is of another form than it should be is left out."""
    given = dict(environment) if isinstance(environment, Mapping) else {}
    if _text(key):
        given[KEY] = key
    kept = {str(name): _text(value) for name, value in given.items() if is_name(name)}
    return {name: kept[name] for name in sorted(kept) if kept[name]}


def secret_names(environment: object) -> list[str]:
    """Return the names of ollama_secret_environment that have a value; of a list of names these themselves."""
    if isinstance(environment, (list, tuple)):
        return sorted(str(name) for name in environment if is_name(name))
    return list(secrets_of(environment))


def is_name(name: object) -> bool:
    """Whether a variable can have this name."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def secret_errors(environment: object) -> Iterator[str]:
    """Yield what is wrong with ollama_secret_environment, by names alone."""
    if environment is None:
        return
    if not isinstance(environment, Mapping):
        allowed = load().types["secrets"]
        yield f"{OPTION}: the value, {form_of(environment)}, is not allowed; allowed is {allowed}"
        return
    for name, value in environment.items():
        if not is_name(name):
            begin = re.match(r"[A-Za-z0-9_]{0,40}", str(name))
            shown = "" if carries_secret(str(name)) or begin is None else begin[0]
            yield f"{OPTION}: {f'{shown}…'!r} is no name of a variable; allowed are letters, digits and underscores"
        elif wrong := _wrong(str(name), value):
            yield f"{OPTION}.{name}: the value, which is not shown, {wrong}"


def secrets_lines(environment: object, key: object = None) -> list[tuple[str, str]]:
    """Return name and value of each line of the file, as an environment file of systemd has them within quotes."""
    return [(name, _ESCAPED.sub(r"\\\1", value)) for name, value in secrets_of(environment, key).items()]


def _wrong(name: str, value: object) -> str | None:
    """What is wrong with a value, as the end of a sentence that does not hold it; None where nothing is."""
    one_line = "one line of text without control characters"
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return f"is {form_of(value)}; allowed is {one_line}"
    text = str(value)
    if not printable(text):
        return f"holds a line break or another control character; allowed is {one_line}"
    setting = load().get(name)
    if setting is None or not text or setting.type == "secret" or check_value(setting, text) is None:
        return None
    return f"is not one that {name} takes; allowed is {load().types[setting.type]}"


def _text(value: object) -> str:
    """A value as a text; nothing of a value of another form."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    text = str(value)
    return text if printable(text) else ""
