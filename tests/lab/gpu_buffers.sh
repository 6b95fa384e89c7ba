#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Write to FOLDER what a llama-server that knows this host's GPU reserves for the shapes of model_shapes.py, and what
# the driver says of it, for at most SECONDS (420 if not given):
#   gpu_buffers.sh "LLAMA-SERVER..." FOLDER [SECONDS]
# Three files, as buffers.py writes them, whole after each load: small.json has all shapes as they are, at the loads
# that tell most; large.json the same of twice the width and twice the layers, a few GiB each; rest.json all loads.
# Needs a Python with the packages gguf and numpy, named by PYTHON.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
server=$1 out=$2 seconds=${3:-420}
mkdir -p "$out"
models=$(mktemp -d); trap 'rm -rf "$models"' EXIT
began=$SECONDS
nvidia-smi --query-gpu=name,driver_version,memory.total,memory.used --format=csv > "$out/cards.csv" || true

# part NAME SHARE OPTION...: what is left of the first SHARE hundredths of the time
part() {
  local name=$1 left=$((seconds * $2 / 100 - (SECONDS - began)))
  mkdir -p "$models/$name"
  # The few that cannot be loaded say so in their rows.
  "${PYTHON:-python3}" "$here/buffers.py" --server "$server" --out "$out/$name.json" --models "$models/$name" \
    --seconds "$left" --gpu "${@:3}" || echo "gpu_buffers: $name has no load that went through"
}
part small 45 --few
part large 85 --few --width 2 --layers 2
rm -rf "$models/large"
mv "$models/small" "$models/rest"
part rest 100
