# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the home of a service's user lies, by the accounts of the running host.

systemd.exec(5), "User=", "DynamicUser=" and "$HOME"; getpwnam(3). A captured machine's accounts are not read: they name
people.
"""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.module_utils._sysfs import Root


def read_home(root: Root, user: str | None, *, dynamic: bool) -> dict[str, Any]:
    """``{home, home_unknown, home_links}``: the folder, or why there is none; a service without ``user`` is root's.

    ``home_links`` are the folders that Ollama's own ones in the home really are where these are links.
    """
    home, why = None, None
    if not root.live:
        why = "the accounts of a captured machine are not read"
    elif dynamic:
        why = "DynamicUser= makes the service's user at each start"
    else:
        name = user or "root"
        try:
            entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
        except (KeyError, OSError, OverflowError, ValueError):
            why = f"the host has no user {name}"
        else:
            home = entry.pw_dir
    if home is not None and not home.startswith("/"):
        home, why = None, f"the home of the service's user is {home!r}, which is no path"
    return {"home": home, "home_unknown": why, "home_links": _links(home) if home else []}


def _links(home: str) -> list[str]:
    """Where the folders lie that Ollama writes to, as far as they are elsewhere; each once, those above first."""
    real = os.path.realpath(home)
    found = [real] if real != os.path.normpath(home) else []
    for folder in (".ollama", ".ollama/models", ".ollama/models/blobs"):
        place = os.path.realpath(f"{home}/{folder}")
        if not any(place == each or place.startswith(f"{each}/") for each in (real, *found)):
            found.append(place)
    return found
