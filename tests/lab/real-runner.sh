#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Write to FILE the tar that makes a host's stand-in for Ollama start a real llama-server on a model of random weights:
#   real-runner.sh FILE [RELEASE]      then, on the host: tar -xzf FILE -C /
# RELEASE is what the stand-in pretends to be from its next start on. Without one it stays what it is; the arguments of
# releases before 0.32.6 are none that this llama-server knows.
# Needs what get-llama.sh needs, and a Python with the package gguf, named by PYTHON.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
llama=$("$here/get-llama.sh")
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/usr/{local/lib,share/ollama/.ollama/models/blobs}
cp -r "$llama/lib" "$root/usr/local/lib/ollama"
"${PYTHON:-python3}" "$here/tiny_model.py" "$root/usr/share/ollama/.ollama/models/blobs/sha256-standin"
if [ $# -gt 1 ]; then
  mkdir -p "$root/etc/ollama-standin"
  echo "$2" > "$root/etc/ollama-standin/version"
fi
# Files alone: folders that are there keep their owner. Packed lightly, for an emulated CPU unpacks it.
(cd "$root" && find . -type f -print0 | sort -z | tar --null -T - --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - | gzip -6) > "$1"
