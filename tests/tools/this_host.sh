#!/usr/bin/env bash
# Run a playbook on this very machine: a preview first, and the change once a person has confirmed it.
# usage: HOST=me [YES=1] tests/tools/this_host.sh site|undo|remove|verify [argument of ansible-playbook]...
set -euo pipefail
cd "$(dirname "$0")/../.."
what=$1
shift

fail() {
  echo "$*" >&2
  exit 1
}

[ "${HOST:-}" = me ] || fail "make $what wants HOST=me, which is this machine${HOST:+, and got HOST=$HOST}. For other hosts:" \
  "ansible-playbook inference.ollama.${what/#undo/rollback} -i hosts.yml --limit ${HOST:-HOST}"
[ -z "${INVENTORY:-}" ] || fail "HOST=me is this machine and INVENTORY=$INVENTORY others: name one of the two"
case ${YES:-} in
  '' | 1) ;;
  *) fail "YES=$YES is not allowed: YES=1 confirms the change, and without it you are asked" ;;
esac

# Root needs no password, nor does a user whom sudo lets in without one. A password that sudo has kept for this terminal does not count (-k), since
# Ansible's processes leave the terminal. Whoever names a way in ARGS has it.
password=()
case " $* " in
  *' -K '* | *' --ask-become-pass '* | *' --become-password-file'* | *' --become-pass-file'* | *' --become-method'*) ;;
  *)
    if [ "$(id -u)" != 0 ] && ! sudo -k -n true 2>/dev/null; then
      command -v sudo >/dev/null ||
        fail "make $what HOST=me writes as root, and sudo was not found: run it as root, or name another way, such as ARGS='--become-method su -K'"
      [ -t 0 ] ||
        fail "make $what HOST=me writes as root, and sudo wants a password that nobody can type without a terminal: run it as root, or name a file" \
          "that holds the password: ARGS='--become-password-file FILE'"
      password=(-K)
    fi
    ;;
esac

tests/tools/setup.sh site

play() {
  .venv/bin/ansible-playbook -i playbooks/inventory/localhost.yml "playbooks/${what/#undo/rollback}.yml" \
    -e "ollama_plan_folder=$PWD/build/plans" ${password[@]+"${password[@]}"} "$@"
}

if [ "$what" = verify ]; then
  play "$@"
  exit
fi

# The proof makes the plan again, and arguments may hold what no log should.
verify="make verify HOST=me${*:+, with the same ARGS}"
echo "== Preview: what 'make $what' would change on this machine. Nothing changes yet."
[ ${#password[@]} = 0 ] || echo "== The password is yours, for sudo: asked for once for the preview, and once for the change."
seen=$(mktemp)
trap 'rm -f "$seen"' EXIT
# A pipe is no terminal, and a diff is easier to read in colours.
[ ! -t 1 ] || export ANSIBLE_FORCE_COLOR=1
play --check --diff "$@" | tee "$seen"

case " $* " in
  *' --check '* | *' -C '*) exit ;;
esac
# The recap of the host; where it has another form, the question is one too many and no change too few.
if grep -q 'changed=0 ' "$seen" && ! grep -q 'changed=[1-9]' "$seen"; then
  case $what in
    site) echo "== Nothing to change: this machine is as planned. To prove it: $verify" ;;
    undo) echo "== Nothing to take back: this machine is as it was before the last change." ;;
    remove) echo "== Nothing to remove: nothing of the roles is left on this machine but what is named above." ;;
  esac
  exit
fi

# A preview goes to the end without Ollama too, and the change would be refused. Lines are folded and coloured, so the letters alone are compared.
if sed 's/\x1b\[[0-9;]*m//g' "$seen" | tr -cd '[:alpha:]' | grep -q InstallOllamafirst; then
  fail "== Nothing was changed: this machine has no ollama.service yet. To install Ollama in the same run, add ARGS=\"-e ollama_install=true\"."
fi

if [ "${YES:-}" != 1 ]; then
  [ -t 0 ] || fail "== Nothing was changed: there is no terminal to ask on. To change this machine as shown above, add YES=1."
  read -r -p "== Change this machine as shown above? [y/N] " answer
  case $answer in
    y | Y | yes | YES | Yes) ;;
    *)
      echo "== Nothing was changed."
      exit
      ;;
  esac
fi

play "$@"
case $what in
  site)
    echo "== Done; the last lines above say what changed and what is proven. The plan, with a reason for every setting: build/plans/localhost.plan.json"
    echo "== To prove it again:         $verify"
    echo "== To take this change back:  make undo HOST=me"
    echo "== To take everything away:   make remove HOST=me"
    ;;
  undo) echo "== This machine is as it was before the last change. 'make undo HOST=me' again takes that back, 'make site HOST=me' writes the plan again." ;;
esac
