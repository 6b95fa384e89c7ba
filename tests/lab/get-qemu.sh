#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Print the command of QEMU from Debian 12 backports, unpacked beside the image cache; nothing is installed.
# Use: export VMLAB_QEMU="$(./get-qemu.sh)". Libraries and firmware come from the installed qemu-system-x86.
# Whether it is quicker depends on the host's CPU: measure.
set -euo pipefail
dir=${VMLAB_CACHE:-$HOME/.cache/vmlab}/qemu-backports
if [ ! -e "$dir/done" ]; then
  # shellcheck disable=SC2016  # the $( ) is apt's own placeholder
  mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" | grep -v security | sort -u | head -n 1)
  [ -n "$mirror" ] || { echo "get-qemu: this host's apt knows no package archive; run apt-get update first" >&2; exit 1; }
  rm -rf "$dir"; mkdir -p "$dir"/{lists/partial,archives/partial}; cd "$dir"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm-backports main" > sources.list
  apt=(apt-get -qq -o APT::Sandbox::User=root -o Dir::Etc::SourceList="$dir/sources.list"
       -o Dir::Etc::SourceParts=/dev/null -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir" -t bookworm-backports)
  "${apt[@]}" update >&2
  "${apt[@]}" download qemu-system-x86 qemu-system-common qemu-system-data >&2
  for d in *.deb; do dpkg-deb -x "$d" .; done
  rm -rf -- *.deb lists archives ./*.bin
  : > "$dir/done"
fi
echo "$dir/usr/bin/qemu-system-x86_64 -L $dir/usr/share/qemu -L /usr/share/seabios"
