#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Print a folder with a real llama-server and llama-bench, from Debian's unstable archive, cached by a hash of this
# script and llama-packages.txt. Nothing is installed. What lies in it is meant for /usr/local/lib/ollama of a test
# host, which is where Ollama has its own: the programs, all libraries that they need down to the C library, and the
# loader, which their headers name in that place, so that a host of any age starts them without a wrapper.
# The archive moves: versions come from llama-packages.txt while it has them, and are what it has now after that,
# which is then reported. It keeps to the mirror that this host's own apt uses.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${VMLAB_CACHE:-$HOME/.cache/vmlab}
suite=unstable
# As long as /lib64/ld-linux-x86-64.so.2: it is written over that name.
loader=/usr/local/lib/ollama/ld.so

say() { echo "get-llama: $*" >&2; }
fail() { say "no real llama-server is available: $*"; exit 1; }
key=$(cat "$0" "$here/llama-packages.txt" | sha256sum | cut -c1-12)
out=$cache/llama-$key
ready() { [ -e "$out/done" ] && { [ ! -e "$out/unpinned" ] || cat "$out/unpinned" >&2; echo "$out"; }; }
ready && exit
# shellcheck disable=SC2016  # the $( ) is apt's own placeholder
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" | grep -v security | sort -u | head -n 1)
[ -n "$mirror" ] || fail "this host's apt knows no package archive; run apt-get update first"
[ "$(dpkg --print-architecture)" = amd64 ] || fail "the lab's hosts are amd64, this one is not"

mkdir -p "$cache"; exec 9>"$cache/llama.lock"; flock 9   # one builder at a time
ready && exit
work=$out/work
rm -rf "$out"; mkdir -p "$work"/{state,lists/partial,archives/partial,root} "$out/lib"; cd "$work"
: > status
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > sources.list
# Check-Valid-Until: a mirror that stands still has what is wanted too.
apt=(apt-get -qq -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o Acquire::Languages=none
     -o Acquire::Check-Valid-Until=false -o Acquire::Retries=3 -o APT::Get::AllowUnauthenticated=false
     -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
     -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
     -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::State::lists="$work/lists" -o Dir::Cache="$work")
"${apt[@]}" update >&2 || fail "apt-get update of $mirror, suite $suite, main: see above"

# 1. Package=version and the checksum of each. The archive's own signature covers what is not pinned.
pinned() {
  local names name sum
  mapfile -t names < <(grep -oE '^[^# ]+=[^ ]+' "$here/llama-packages.txt")
  (cd archives && "${apt[@]}" download "${names[@]}") >&2 || return 1
  while read -r name sum; do
    echo "$sum  $(find archives -maxdepth 1 -name "${name%%=*}_*.deb")" | sha256sum --check --quiet >&2 || return 1
  done < <(grep -vE '^\s*(#|$)' "$here/llama-packages.txt")
}
if ! pinned; then
  say "$mirror, suite $suite, no longer has llama-packages.txt as it is: see above"
  rm -f archives/*.deb
  "${apt[@]}" --yes --download-only install llama.cpp-tools >&2 ||
    fail "$mirror, suite $suite, has neither the versions of llama-packages.txt nor an installable llama.cpp-tools"
  {
    say "took what $mirror has now; if the tests pass with it, let llama-packages.txt say:"
    for deb in archives/*.deb; do
      echo "$(dpkg-deb -f "$deb" Package)=$(dpkg-deb -f "$deb" Version) $(sha256sum < "$deb" | cut -d' ' -f1)"
    done
  } 2> "$out/unpinned" >&2
  cat "$out/unpinned" >&2
fi
for deb in archives/*.deb; do
  dpkg-deb -x "$deb" root
  dpkg-deb -f "$deb" Package Version | sed 's/^[^:]*: //' | paste -sd= >> "$out/packages"
done

# 2. One folder: programs, the loader, what it finds for them, and the two plainest of ggml's CPU libraries. The
#    better ones need AVX, which the emulated CPU has not; the programs load the best one that lies beside them.
libs=$work/root/usr/lib/x86_64-linux-gnu
for program in llama-server llama-bench; do
  cp "root/usr/bin/$program" "$out/lib/"
  "$libs/ld-linux-x86-64.so.2" --library-path "$libs:$libs/llama" --list "$out/lib/$program" |
    sed -n 's/.* => \(\/[^ ]*\) (.*/\1/p' | xargs -I{} cp -Lu {} "$out/lib/" ||
    fail "its libraries are not all in $(paste -sd' ' "$out/packages")"
done
cp "$libs"/ggml/backends*/libggml-cpu-{x64,sse42}.so "$out/lib/" || fail "libggml0 has its CPU libraries elsewhere now"
mv "$out/lib/ld-linux-x86-64.so.2" "$out/lib/ld.so"
LC_ALL=C sed -i "s#/lib64/ld-linux-x86-64\.so\.2#$loader#" "$out"/lib/llama-{server,bench}
grep -qF "$loader" "$out/lib/llama-server" || fail "llama-server names another loader than it did"
said=$("$out/lib/ld.so" --library-path "$out/lib" "$out/lib/llama-server" --version 2>&1) || fail "it does not run: $said"
say "$(head -n 1 <<< "$said"), from $mirror"
cd /; rm -rf "$work"
: > "$out/done"
echo "$out"
