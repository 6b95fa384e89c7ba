# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed on a host, as the module install_info returns it, and the variables of the role ollama_install."""

from __future__ import annotations

from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._install.decide import Seen, decide
from ansible_collections.inference.ollama.plugins.plugin_utils._install.wanted import wanted
from ansible_collections.inference.ollama.tests.unit.support.plans import xeon

BASE = "ollama-linux-amd64.tar.zst"
SHA256 = "a" * 64
GIB = 1 << 30
OPTIONS = {name: option.default for name, option in load().options.items()}
PROGRAM, FOLDER = "/usr/local/bin/ollama", "/opt/ollama"
LINKS = {f"{FOLDER}/current": "releases/0.32.15", PROGRAM: f"{FOLDER}/current/bin/ollama"}


def source(name=BASE, **said):
    """An archive that is available."""
    return {"name": name, "bytes": 2 * GIB, "sha256": SHA256, "problem": None, **said}


def info(**said):
    """A bare host that runs Debian, with everything at hand."""
    return {
        "schema": 1,
        "machine": "x86_64",
        "os": {"id": "debian", "id_like": [], "version_id": "13", "name": "Debian GNU/Linux"},
        "folder": FOLDER,
        "releases": [],
        "current": None,
        "current_target": None,
        "program": {"path": PROGRAM, "kind": "absent", "target": None},
        "owner": None,
        "unit": None,
        "account": None,
        "groups": {"render": 105, "video": 44},
        "store": None,
        "free_bytes": {FOLDER: 100 * GIB},
        "zstd": {"program": "/usr/bin/zstd", "python": False},
        "jetpack": None,
        "sources": [source()],
        "latest": None,
        "problems": [],
        **said,
    }


def installed(version="0.32.15", **said):
    """A host with a release of this collection."""
    host = info(
        releases=[{"version": version, "complete": True, "bytes": GIB, "archives": [{"name": BASE}]}],
        current=version,
        current_target=f"releases/{version}",
        program={"path": PROGRAM, "kind": "link", "target": LINKS[PROGRAM]},
        owner={"kind": "collection", "name": "ollama.service", "path": PROGRAM, "version": version, "evidence": "x"},
        unit={"path": "/etc/systemd/system/ollama.service", "ours": True},
        account={"user": "ollama", "uid": 990, "gid": 990, "group": "ollama", "home": "/usr/share/ollama"}
        | {"shell": "/bin/false", "groups": ["ollama", "render", "video"]},
        sources=[],
    )
    return {**host, **said}


def by_script(**said):
    """A host with a release of install.sh."""
    program = {"path": PROGRAM, "kind": "file", "target": None}
    evidence = {"evidence": "its program is beside lib/ollama"}
    owner = {"kind": "install.sh", "name": "ollama.service", "path": PROGRAM, "version": "0.31.2", **evidence}
    unit = {"path": "/etc/systemd/system/ollama.service", "ours": False}
    host = {**installed(), "releases": [], "current": None, "current_target": None, "sources": [source()]}
    return {**host, "program": program, "owner": owner, "unit": unit, **said}


def decided(host=None, found=None, local=None, topology=None, release="0.32.15", **options):
    """What is decided of a host, with other variables than by default; ``install_`` before each is left out."""
    host, topology = host or info(), topology or xeon()
    plain = {"version", "binary_path", "staging_root", "topology_root", "models_path"}
    asked = {
        **OPTIONS,
        "install_version": release,
        **{name if name in plain else f"install_{name}": each for name, each in options.items()},
    }
    return decide(wanted(asked, topology, host), asked, Seen(topology, host, found or {}, local or {}))
