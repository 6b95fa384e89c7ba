#!/usr/bin/env bash
# Make .venv with the pinned tools of requirements/SET.txt, and link the collection where Ansible looks for it.
# usage: tests/tools/setup.sh site|test
set -euo pipefail
cd "$(dirname "$0")/../.."
want=requirements/$1.txt

# A name on PATH is not enough: version managers put names there that only print an error.
usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

names=${PYTHON:-python3.13 python3.12 python3.14 python3.11 python3}

search_python() {
  local name
  for name in $names; do
    if usable "$name"; then
      echo "$name"
      return
    fi
  done
  return 1
}

# Root on Debian and Ubuntu gets what is missing; anybody else reads its name.
install_package() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing the Debian package $1 ..." >&2
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y "$1"; } >build/packages.log 2>&1 || { tail -n 3 build/packages.log >&2; return 1; }
}

find_python() {
  search_python && return
  install_package python3-venv && search_python && return
  echo "No Python 3.11 or newer was found (tried $names)." >&2
  echo "Install one (Debian, Ubuntu: apt-get install python3-venv; EL: dnf install python3.12), or name it: make PYTHON=/path/to/python" >&2
  return 1
}

# Debian and Ubuntu keep what a virtual environment needs in a package of its own.
make_venv() {
  local package
  "$1" -m venv .venv >build/venv.log 2>&1 && return
  package=python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  rm -rf .venv
  install_package "$package" && "$1" -m venv .venv >build/venv.log 2>&1 && return
  rm -rf .venv
  cat build/venv.log >&2
  echo "Python cannot make a virtual environment. On Debian or Ubuntu: apt-get install $package" >&2
  return 1
}

mkdir -p build/collections/ansible_collections/inference
ln -sfn "$PWD" build/collections/ansible_collections/inference/ollama

stamp=.venv/installed-$(cat "$want" requirements/site.txt "$0" | sha256sum | cut -c1-16)
if [ ! -e "$stamp" ]; then
  python=$(find_python)
  # An environment of another Python, or of other versions, is built again rather than repaired.
  rm -rf .venv
  echo "Installing the tools of $want into .venv with $("$python" --version) ..."
  make_venv "$python"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$want"
  touch "$stamp"
  # The larger set holds the smaller one.
  if [ "$1" = test ]; then
    touch ".venv/installed-$(cat requirements/site.txt requirements/site.txt "$0" | sha256sum | cut -c1-16)"
  fi
fi
