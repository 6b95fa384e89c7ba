# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SELinux contexts of what is installed, as the host's policy says by the paths (restorecon(8)).

A program that was extracted below /opt has the context of that folder, and a service may not be allowed to start it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Optional

from ansible_collections.inference.ollama.plugins.module_utils._process import runner

if TYPE_CHECKING:
    from collections.abc import Sequence

# There where the kernel has loaded a policy (selinux(8)), enforced or not.
ENFORCE = "/sys/fs/selinux/enforce"
# A release has some hundred files.
_SECONDS = 120


class Restored(NamedTuple):
    """Whether a context was another one, and why it could not be restored; None where it was."""

    changed: bool
    problem: Optional[str]


def restore(paths: Sequence[str], *, check_mode: bool = False) -> Restored:
    """Restore the contexts of paths and of all below them; nothing where SELinux is off."""
    if not os.path.exists(ENFORCE):
        return Restored(changed=False, problem=None)
    done = runner(_SECONDS)(["restorecon", *(["-n"] if check_mode else []), "-R", "-i", "-v", *paths])
    if done.problem is not None:
        return Restored(
            changed=False,
            problem=f"the SELinux contexts of {', '.join(paths)} were not restored: {done.problem}",
        )
    return Restored(bool((done.out or "").strip()), None)
