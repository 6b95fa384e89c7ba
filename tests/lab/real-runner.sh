#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Write FILE, a program that makes a test host's stand-in for Ollama start a real llama-server, with a model of random
# weights; root runs it there, after the stand-in's own install. The server restarts, so that its log says nothing of
# earlier runners:
#   real-runner.sh FILE [LAYERS WIDTH INNER]      (tiny_model.py says what the numbers are)
# The stand-in has to pretend to be 0.32.6 or newer: earlier releases give their runner arguments that llama.cpp has
# dropped since.
# OLLAMA_TEST_LLAMA=source takes the llama-server of build-llama.sh in place of that of get-llama.sh.
# Needs what those need, and a Python with the package gguf, named by PYTHON.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
case ${OLLAMA_TEST_LLAMA:-debian} in
  debian) llama=$("$here/get-llama.sh") ;;
  source) llama=$("$here/build-llama.sh") ;;
  *) echo "real-runner: OLLAMA_TEST_LLAMA is '$OLLAMA_TEST_LLAMA'; allowed are debian, source" >&2; exit 1 ;;
esac
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
blobs=usr/share/ollama/.ollama/models/blobs
mkdir -p "$root"/{usr/local/lib,"$blobs"}
cp -r "$llama/lib" "$root/usr/local/lib/ollama"
"${PYTHON:-python3}" "$here/tiny_model.py" "$root/$blobs/sha256-standin" "${@:2}"
{
  # What tar wrote stays in memory of the node that it ran on. Out with it, as by a boot, so that it comes to lie where
  # the runner reads it; numa_maps counts libraries too.
  cat <<'INSTALL'
#!/bin/sh
set -e
sed '1,/^exit$/d' "$0" | tar -xzf - -C /
sync
[ ! -w /proc/sys/vm/drop_caches ] || echo 1 > /proc/sys/vm/drop_caches    # not in a box
systemctl restart ollama
exit
INSTALL
  # Files alone, so that folders which are there keep their owner.
  (cd "$root" && find . -type f -print0 | sort -z |
    tar --null -T - --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf - | gzip)
} > "$1"
chmod +x "$1"
