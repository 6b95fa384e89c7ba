# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the compiled code of modules imported from zip files on the disk of a test host.

Ansible sends each module as a zip of Python sources, so every task compiles the same dozens of files again: a
third of a task's time on an emulated CPU. The image loads this file at interpreter start, by labcache.pth. What
runs is the same code; an image built with VMLAB_LABCACHE=0 does without.
"""

import zipimport

FOLDER = "/var/cache/labcache"
_compile = zipimport._compile_source


def _cached(pathname, source):
    # Imported here, not above: every interpreter of the host loads this file, few of them import from a zip.
    import _sha1  # noqa: PLC0415
    import marshal  # noqa: PLC0415
    import os  # noqa: PLC0415

    path = f"{FOLDER}/{_sha1.sha1(source).hexdigest()}"
    try:
        with open(path, "rb") as file:
            return marshal.loads(file.read())
    except (OSError, ValueError, EOFError):
        pass
    code = _compile(pathname, source)
    try:
        os.makedirs(FOLDER, exist_ok=True)
        scratch = f"{path}.{os.getpid()}"
        with open(scratch, "wb") as file:
            file.write(marshal.dumps(code))
        os.rename(scratch, path)
    except OSError:
        pass  # only root fills the cache, all read it
    return code


zipimport._compile_source = _cached
