#!/usr/bin/env bash
# Run the tests, two steps at a time where they let the host do something else: tests/run.sh [STEP...]
# Every step's output goes to build/logs/STEP.log. Root gets the Debian packages that the steps need; a step that cannot run here says why and
# what to do, and fails where CI=true.
# shellcheck disable=SC2317 # the steps are called by name
set -uo pipefail
cd "$(dirname "$0")/.." || exit
root=$PWD
# Other Pythons that a version manager keeps: ansible-test looks for python3.9 and the like on PATH.
if command -v pyenv >/dev/null; then
  for bin in "$(pyenv root)"/versions/3.*/bin; do PATH=$PATH:$bin; done
fi
export PATH=$root/.venv/bin:$PATH
export ANSIBLE_COLLECTIONS_PATH=$root/build/collections ANSIBLE_CONFIG=$root/playbooks/ansible.cfg
export ANSIBLE_NOCOLOR=1 PY_COLORS=0
# Python compiles each file once, and not in each of the hundreds of processes that the tests start.
unset PYTHONDONTWRITEBYTECODE
logs=$root/build/logs
version=$(sed -n 's/^version: *//p' galaxy.yml)
artefact=$root/build/dist/inference-ollama-$version.tar.gz
python=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# The first fills two processors with a load whose streams have a time to wait, the second measures time, the third has machines whose programs have time limits.
# shellcheck disable=SC2034 # for lanes.sh
alone="fleet neighbours vms"
source tests/tools/lanes.sh

# What tests write goes through to the disk thousands of times (fsync), so it lies in memory where there is enough of it.
in_memory() {
  local place=/dev/shm
  [ -w $place ] && [ "$(df --output=avail -k $place | tail -n 1)" -gt 6000000 ] || return
  findmnt -n -o OPTIONS -T $place | grep -qw noexec && return
  # Open to all, as /tmp is: apt reads and writes there as another user.
  TMPDIR=$(mktemp -d $place/tests.XXXXXX) && chmod 1777 "$TMPDIR" && export TMPDIR || return
  trap 'rm -rf "$TMPDIR"' EXIT
}

packages() { grep -vE '^\s*(#|$)' "tests/$1/host-packages.txt"; }
absent() { while read -r name; do dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || echo "$name"; done; }

# The Debian packages that a step needs and this host lacks; a program from elsewhere is as good.
lacks() {
  case $1 in
    units) [ -x /usr/sbin/haproxy ] || command -v haproxy >/dev/null || echo haproxy ;;
    publish) command -v gpg >/dev/null || packages publish ;;
    lint) command -v shellcheck >/dev/null || packages lint ;;
    metrics) packages metrics | while read -r name; do command -v "$name" >/dev/null || echo "$name"; done ;;
    report) command -v chromium >/dev/null || packages browser ;;
    boxes | fleet | containers | neighbours | vms) [ -n "${OLLAMA_TEST_INVENTORY:-}" ] || packages lab | absent ;;
  esac
}

# All at once and before the first step; no call of apt where nothing is missing.
install_packages() {
  local names
  mapfile -t names < <(for step in "$@"; do lacks "$step"; done | sort -u)
  if [ "${#names[@]}" = 0 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return; fi
  echo "Installing Debian packages for the tests: ${names[*]} ..."
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y "${names[@]}"; } >"$logs/packages.log" 2>&1 ||
    echo "apt-get failed: $(grep -E '^E: ' "$logs/packages.log" | head -n 1) (build/logs/packages.log)"
}

tracked() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ -e "$file" ] && echo "$file"; done; }

lint() {
  ruff check . && ruff format --check . || return 1
  tracked '*.yml' '*.yaml' .yamllint | xargs yamllint --strict || return 1
  ansible-lint --offline --strict || return 1
  antsibull-changelog lint || return 1
  if command -v shellcheck >/dev/null; then
    tracked '*.sh' .ci/run | xargs shellcheck
  else
    missing[lint]="in part, the rest passed: shellcheck is missing, apt-get install $(lacks lint | xargs)"
  fi
}

types() { MYPYPATH=build/collections mypy --config-file pyproject.toml -p ansible_collections.inference.ollama.plugins; }

# What runs most lines runs without coverage, which would make it up to eight times as slow: some tests, and most of the
# random cases of the others.
units() {
  local untraced
  mapfile -t untraced < <(grep -rlE --include='test_*.py' 'mark\.untraced|import hypothesis|from hypothesis' tests/unit)
  [ ${#untraced[@]} -gt 0 ] || return 1
  python -m pytest -q -n 2 --dist worksteal "${untraced[@]}" -m "untraced or hypothesis" || return 1
  python -m pytest -q -n 2 --dist worksteal tests/unit -m "not untraced" --hypothesis-profile=traced \
    --cov --cov-report=term --cov-report=json:build/coverage.json --cov-fail-under=99 || return 1
  python tests/tools/coverage_by_file.py build/coverage.json
}

docs() { antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs all --disallow-unknown-collection-refs .; }

# The main job as the README gives it, twice: the second run must change nothing.
site() {
  rm -rf build/staging build/plans
  make --no-print-directory site || return 1
  test -s build/staging/etc/systemd/system/ollama.service.d/override.conf || return 1
  test -s build/plans/localhost.plan.json || return 1
  make --no-print-directory site | tee build/logs/site-second.log || return 1
  grep -Eq 'localhost .* changed=0 .* failed=0' build/logs/site-second.log
}

# Secrets stay out of everything that runs leave but their own file, which the owner alone can read.
secrets() {
  python tests/tools/planted_secrets.py build/secrets
}

# A dry run on a host where nothing is there yet reaches the end and changes nothing.
dry_run() {
  ansible-playbook -i playbooks/inventory/localhost.yml playbooks/site.yml --check --diff -e ansible_become=false | tee "$logs/dry-run.out"
  [ "${PIPESTATUS[0]}" = 0 ] && grep -Eq 'localhost .* failed=0' "$logs/dry-run.out"
}

# A copy of the files that git knows, which no other step changes meanwhile: copy STEP
copy() {
  tree=$root/build/copy/$1/ansible_collections/inference/ollama
  rm -rf "build/copy/$1"
  mkdir -p "$tree"
  tracked | tar -T - -cf - | tar -xf - -C "$tree"
}

# What a user installs must do what the checkout does.
artefact() {
  rm -rf build/dist build/installed
  copy artefact
  ansible-galaxy collection build --output-path build/dist "$tree" || return 1
  python tests/tools/artefact_files.py "$artefact" || return 1
  ANSIBLE_COLLECTIONS_PATH=$root/build/installed ansible-galaxy collection install --offline -p build/installed "$artefact" || return 1
  ANSIBLE_COLLECTIONS_PATH=$root/build/installed ansible-playbook -i playbooks/inventory/localhost.yml inference.ollama.site \
    -e ollama_staging_root="$root/build/installed/staging" || return 1
  ANSIBLE_COLLECTIONS_PATH=$root/build/installed ansible-doc -t filter inference.ollama.tuning_plan
}

# What Galaxy does with the artefact before it publishes it, but what it does in a container (.config/galaxy-importer.cfg).
galaxy() {
  rm -rf build/galaxy
  copy galaxy
  ansible-galaxy collection build --output-path build/galaxy "$tree" || return 1
  python tests/tools/galaxy_import.py "build/galaxy/$(basename "$artefact")" build/galaxy
}

# The example repositories, with the built collection, on files in the place of hosts; each release of ansible-core that the collection is for has an environment.
interop() {
  local python="" name release made
  for name in python3.13 python3.12; do
    if "$name" -c '' 2>/dev/null; then python=$name && break; fi
  done
  if [ -z "$python" ]; then
    missing[interop]="python3.13 or python3.12, which every release from 2.19 to the newest runs on, is missing on PATH"
    return
  fi
  for name in requirements/interop-*.txt; do
    release=${name#*-} release=${release%.txt}
    made=build/interop/$release/made-$(cat "$name" <("$python" --version) | sha256sum | cut -c1-16)
    [ ! -e "$made" ] || continue
    rm -rf "build/interop/$release"
    "$python" -m venv "build/interop/$release" || return 1
    "build/interop/$release/bin/pip" install --quiet --disable-pip-version-check --no-compile -r "$name" || return 1
    touch "$made"
  done
  copy interop
  ansible-galaxy collection build --force --output-path build/interop/dist "$tree" || return 1
  INTEROP_TOOLS=$root/build/interop INTEROP_ARTEFACT=$root/build/interop/dist/$(basename "$artefact") python -m pytest -q tests/integration
}

# ansible-test resolves links, so it wants a copy; without a repository of its own the copy counts as ignored files of
# this one, and every test is skipped with exit status 0.
copy_for_ansible_test() {
  copy "$1"
  git -C "$tree" init -q
  # ansible-test would download a script that installs pip; Python carries a pip of its own.
  mkdir -p ~/.ansible/test/cache
  for file in get_pip_24_2.py get_pip_25_2.py; do
    [ -s ~/.ansible/test/cache/"$file" ] || cp tests/tools/get_pip.py ~/.ansible/test/cache/"$file"
  done
}

# Of the files that users install: Galaxy's own run has no others, and lint reads the tests.
sanity() {
  copy_for_ansible_test sanity
  rm -r "$tree/molecule" "$tree"/tests/{browser,containers,integration,lab,lint,metrics,publish,run.sh,tools,unit}
  (cd "$tree" && ansible-test sanity --local --python "$python" --color no) 2>&1 | tee "$logs/sanity.out"
  [ "${PIPESTATUS[0]}" = 0 ] && ! grep -q 'All targets skipped' "$logs/sanity.out"
}

# The code that runs on targets, on the oldest Python that a target may have: modules by ansible-test, which forks for each
# test, and what they are made of by plain pytest, in a tenth of the time. The files of modules too that ansible-test leaves
# out, since there are no captured and no reported machines beside its copy.
target_units() {
  local left_out
  if ! python3.9 -c '' 2>/dev/null; then
    missing[target_units]="python3.9, the oldest Python of a target, is missing on PATH; where the system has no package of it: pyenv install 3.9"
    return
  fi
  copy_for_ansible_test target_units
  (cd "$tree" && ansible-test units --venv --python 3.9 --color no tests/unit/plugins/modules/) 2>&1 | tee "$logs/target_units.out"
  [ "${PIPESTATUS[0]}" = 0 ] && grep -Eq '[0-9]+ passed' "$logs/target_units.out" || return 1
  python3.9 -m venv build/python3.9 || return 1
  build/python3.9/bin/pip install --quiet --disable-pip-version-check -r requirements/target.txt || return 1
  mapfile -t left_out < <(sed -nE 's/^SKIPPED \[[0-9]+\] ([^:]+):.*/\1/p' "$logs/target_units.out" | sort -u)
  build/python3.9/bin/python -m pytest -q -n 2 tests/unit/plugins/module_utils "${left_out[@]}"
}

# Guides and plugins as a site, where a warning is an error.
docsite() { tests/tools/docsite.sh build/docsite; }

# What a release consists of: bytes that come out the same, signature, bill of materials, changelog; and what others build and run of it.
publish() {
  if ! command -v gpg >/dev/null; then
    missing[publish]="gpg is missing: apt-get install $(lacks publish | xargs)"
    return
  fi
  python -m pytest -q tests/publish
}

# The report in a real browser, as it is read.
report() {
  if ! command -v chromium >/dev/null; then
    missing[report]="chromium is missing: apt-get install $(lacks report | xargs)"
    return
  fi
  python -m pytest -q tests/browser
}

# Metrics, alert rules and dashboard by Prometheus, its node_exporter and HAProxy, on the oldest Python of a target.
metrics() {
  local wanted
  wanted=$(lacks metrics | xargs)
  python3.9 -c '' 2>/dev/null || wanted="$wanted python3.9"
  if [ -n "$wanted" ]; then
    missing[metrics]="the tests of metrics need ${wanted# }"
    return
  fi
  python -m pytest -q tests/metrics
}

# Servers in containers of Debian 13's Podman, in a box of the lab.
containers() {
  if [ -n "${OLLAMA_TEST_INVENTORY:-}" ]; then
    missing[containers]="the tests of containers make a box of their own, and OLLAMA_TEST_INVENTORY names other machines"
    return
  fi
  can_boot containers || return 0
  if [ ! -d build/community/ansible_collections/community/docker ]; then
    python -m pip download --quiet --disable-pip-version-check --no-deps --dest build/community -r requirements/containers.txt || return 1
    python tests/containers/community.py build/community build/community || return 1
  fi
  python -m pytest -q tests/containers
}

# What a real llama-server reserves for models of many families, beside what is reckoned.
buffers() {
  local llama server folder=build/buffers
  if ! command -v apt-get >/dev/null || [ "$(dpkg --print-architecture)" != amd64 ]; then
    missing[buffers]="the llama-server of tests/lab/get-llama.sh is for Debian or Ubuntu on amd64"
    return
  fi
  rm -rf "$folder"
  mkdir -p "$folder"
  llama=$(tests/lab/get-llama.sh) || return 1
  server="$llama/lib/ld.so --library-path $llama/lib $llama/lib/llama-server"
  python tests/lab/buffers.py --server "$server" --models "$folder" --out "$folder/rows.json" --few || return 1
  PYTHONPATH=build/collections python tests/lab/memory_truth.py compare "$folder/rows.json" --shapes 25
}

can_boot() {
  local wanted=""
  [ -n "${OLLAMA_TEST_INVENTORY:-}" ] && return
  if command -v dpkg-query >/dev/null; then wanted=$(lacks "$1" | xargs); else missing[$1]="Debian or Ubuntu"; fi
  [ -z "$wanted" ] || missing[$1]="Debian packages, apt-get install $wanted"
  [ "$(id -u)" = 0 ] || missing[$1]="root${missing[$1]:+ and ${missing[$1]}}"
  [ -n "${missing[$1]:-}" ] || return 0
  missing[$1]="the lab needs ${missing[$1]}; or an inventory of your own machines in OLLAMA_TEST_INVENTORY"
  return 1
}

# A playbook that a sequence names and nobody wrote, and a folder without tests, are only warnings to molecule.
molecule_scenario() {
  command molecule test -s "$1" 2>&1 | tee "$logs/molecule-$1.out"
  [ "${PIPESTATUS[0]}" = 0 ] && ! grep -Eqi 'missing playbook|no tests found|verifier is disabled' "$logs/molecule-$1.out"
}
boxes() { can_boot boxes || return 0; molecule_scenario boxes; }
fleet() { can_boot fleet || return 0; molecule_scenario fleet; }
neighbours() { can_boot neighbours || return 0; molecule_scenario neighbours; }
vms() { can_boot vms || return 0; molecule_scenario vms; }

# Of a log of thousands of lines those that say what failed, for where only a run's last lines are kept. What a scenario
# rescues comes before what ends it, and what is cleared away after that says nothing.
gist() {
  local lines
  lines=$(awk '/^INFO +\[.*\] Executing$/ && !/ (destroy|cleanup)\]/ { n = 0 }
    /^ *((fatal|failed): \[|\[ERROR\]: |Origin: |(FAILED|ERROR) [^ ]+::|E  +)/ { sub(/^ +/, ""); line[++n] = substr($0, 1, 160) }
    END { for (i = 1; i <= n; i++) if (i <= 4 || i > n - 5) print line[i] }' "$logs/$1.log")
  [ -n "$lines" ] || lines=$(tail -n 6 "$logs/$1.log" | cut -c1-160)
  printf "    %s\n" "${lines//$'\n'/$'\n'    }"
}

steps=("$@")
# The longest first, and beside it the others, those that find most for their time first.
[ $# -gt 0 ] || steps=(boxes lint types docs units buffers containers report metrics site secrets dry_run artefact interop galaxy publish docsite target_units sanity fleet neighbours vms)
mkdir -p "$logs"
if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  echo "The tests look at the files that git knows: they need the program git, and a clone that belongs to who runs them." >&2
  exit 1
fi
install_packages "${steps[@]}"
in_memory
run_steps "${steps[@]}"
for step in "${failed[@]}"; do
  echo "$step did not pass; of build/logs/$step.log:"
  gist "$step"
done
[ ${#failed[@]} = 0 ]
