#!/bin/sh
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Make an image of the stand-in for Ollama with this host's Python, and print its digest: image.sh podman|docker PROGRAM NAME
# Nothing is fetched.
set -eu
engine=$1 program=$2 name=$3
root=$(mktemp -d)
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/tmp" "$root/etc" "$root/root"
ln -s usr/bin "$root/bin"
cp "$program" "$root/usr/bin/ollama"
cp -L /usr/bin/python3 "$root/usr/bin/python3"
library=$(python3 -c 'import os; print(os.path.dirname(os.__file__))')
cp -a "$library" "$root/usr/lib/"
ldd /usr/bin/python3 "$library"/lib-dynload/*.so | grep -o '/[^ :]*' | sort -u | while read -r file; do
  case $file in */lib-dynload/*) continue ;; esac
  mkdir -p "$root$(dirname "$file")"
  cp -L "$file" "$root$file"
done
tar -C "$root" -c . |
  "$engine" import --change 'ENTRYPOINT ["/bin/ollama"]' --change 'CMD ["serve"]' --change 'ENV OLLAMA_HOST=0.0.0.0:11434' - "$name" >&2
rm -rf "$root"
if [ "$engine" = podman ]; then podman image inspect --format '{{.Digest}}' "$name"; else docker image inspect --format '{{.Id}}' "$name"; fi
