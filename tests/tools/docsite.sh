#!/usr/bin/env bash
# Build the documentation as a site of HTML, FOLDER/html/index.html: the guides, and a page for each plugin and role. A warning is an error.
# usage: tests/tools/docsite.sh FOLDER, with .venv of requirements/test.txt
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "$1"
out=$(cd "$1" && pwd)
export PATH=$PWD/.venv/bin:$PATH ANSIBLE_COLLECTIONS_PATH=$out/collections
rm -rf "$out/source" "$out/collections" "$out/html" "$out/doctrees"
collection=$out/collections/ansible_collections/inference/ollama
# antsibull-docs wants a folder that nobody else can write to.
mkdir -m 755 "$out/source"
mkdir -p "$collection"

# Copy the files that git knows, as they lie in the repository, so that their links to one another hold: copy FOLDER PATH...
copy() {
  git ls-files -z --cached --others --exclude-standard -- "${@:2}" |
    while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
    tar --null -T - -cf - | tar -xf - -C "$1"
}

copy "$out/source" README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md LICENSE docs extensions 'roles/*/README.md'
mkdir "$out/source/static"
mv "$out/source/docs/docsite/"{index.rst,conf.py} "$out/source"
mv "$out/source/docs/docsite/site.css" "$out/source/static"
rm -r "$out/source/docs/docsite"
copy "$collection" galaxy.yml meta plugins roles playbooks docs/docsite/links.yml
# Entry points that take the variables of main would show them again, five times a hundred.
sed -i -e '/^  main:/,/^  [a-z_]*:$/!s/\bO(\(\w*\))/C(\1)/g' -e 's/^    options: \*options$/    options: {}/' "$collection"/roles/*/meta/argument_specs.yml
antsibull-docs --config-file tests/tools/docsite.cfg collection --use-current --dest-dir "$out/source" inference.ollama
python -m sphinx -b html --fail-on-warning --keep-going -q -d "$out/doctrees" "$out/source" "$out/html"
echo "The site: $1/html/index.html"
