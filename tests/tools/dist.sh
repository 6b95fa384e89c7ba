#!/usr/bin/env bash
# Build what a release consists of: the artefact, the same bytes from the same files; its bill of materials; checksums; and, where SIGN_KEY
# names a key of gpg, the detached signature of MANIFEST.json that ansible-galaxy verifies.
# usage: [SIGN_KEY=KEY] [SOURCE_DATE_EPOCH=SECONDS] tests/tools/dist.sh FOLDER, with .venv of requirements/test.txt
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$PWD/.venv/bin
mkdir -p "$1"
out=$(cd "$1" && pwd)
# The time of the last commit, so that everybody who builds it gets the same bytes.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The files that git knows, as they are in the folder, and no others.
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
  tar --null -T - -cf - | tar -xf - -C "$work"
rm -f "$out"/inference-ollama-*
"$tools/ansible-galaxy" collection build --output-path "$out" "$work" >/dev/null
artefact=$(echo "$out"/inference-ollama-*.tar.gz)
"$tools/python" tests/tools/repack.py "$artefact" "$epoch"
"$tools/python" tests/tools/sbom.py "$artefact" "${artefact%.tar.gz}.cdx.json"
if [ -n "${SIGN_KEY:-}" ]; then
  tar -xOzf "$artefact" MANIFEST.json >"$work/MANIFEST.json"
  gpg --batch --yes --local-user "$SIGN_KEY" --armor --detach-sign --output "${artefact%.tar.gz}.asc" "$work/MANIFEST.json"
fi
(cd "$out" && sha256sum inference-ollama-* >"$work/sums" && mv "$work/sums" "$(basename "${artefact%.tar.gz}").sha256")
ls -1 "$out"/inference-ollama-*
