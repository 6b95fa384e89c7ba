# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that the role ollama_gateway writes, in a folder of one's own: for measurements without root.

    gateway_config.py FOLDER PORT PORT... [--slots 8] [--certificate FILE] [--names NAME...]

prints the command that runs it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "build" / "collections"))

from ansible_collections.inference.ollama.plugins.module_utils._gateway import places
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._gateway.make import gateway_files, gateway_keys

KEY = "bench-key-0123456789abcdef"
LIMITED = "bench-limited-0123456789abcdef"
MODEL = "standin:latest"
KEYS = [{"name": "bench", "key": KEY}, {"name": "limited", "key": LIMITED, "models": [MODEL]}]
_PREFIX, _CONFIG = "gateway_", Path(places.GATEWAY_CONFIG).name
# What only a service of root has.
_ROOT = ("    user ", "    group ", "    chroot ")


def configuration(folder, port, servers, *, slots, **options):
    """Write the files of a gateway on loopback before servers there, by their ports; return its configuration.

    ``options`` are variables of the role without ``ollama_gateway_``; ``threads`` is HAProxy's own.
    """
    threads = options.pop("threads", None)
    given = {name.removeprefix(_PREFIX): option.default for name, option in load().gateway_options.items()}
    upstreams = [
        {"host": f"server{number}", "address": "127.0.0.1", "port": each, "slots": slots}
        for number, each in enumerate(servers)
    ]
    given.update(bind=f"127.0.0.1:{port}", upstreams=upstreams, metrics_bind="", **options)
    made = gateway_files(given, KEYS, "gateway", {})
    if made["refusals"]:
        raise SystemExit("\n".join(made["refusals"]))
    for path, text in {**made["files"], places.GATEWAY_KEYS: gateway_keys(KEYS)}.items():
        content = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith(_ROOT))
        content = content.replace(places.GATEWAY_RUN_FOLDER, str(folder))
        if threads:
            content = content.replace("global\n", f"global\n    nbthread {threads}\n", 1)
        Path(folder, Path(path).name).write_text(content, encoding="utf-8")
    return Path(folder, _CONFIG).read_text(encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=lambda text: str(Path(text).resolve()))
    parser.add_argument("port", type=int)
    parser.add_argument("servers", nargs="+", type=int, help="their ports")
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--certificate", default="")
    parser.add_argument("--names", nargs="*", default=[])
    asked = parser.parse_args()
    more = {"certificate": asked.certificate, "server_names": asked.names, "request_timeout": 5}
    configuration(asked.folder, asked.port, asked.servers, slots=asked.slots, **more)
    sys.stdout.write(f"haproxy -db -f {Path(asked.folder, _CONFIG)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
