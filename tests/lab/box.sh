#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Start a Debian host with real systemd and sshd in namespaces, in a second, whose CPU and NUMA description may
# be that of another machine (a tar made by capture-topology.py).
#
#   box.sh up NAME [TREE.tar[.zst]]       prints one JSON line with address, proxy command and key
#   box.sh down NAME... | --all
#   box.sh crash NAME | boot NAME         it stops as by a loss of power and keeps its files | it starts again with them
#   box.sh prefer NAME                    it goes before all else on the host, for measurements of time
#   box.sh list | inventory [NAME...]     the running boxes as JSON lines | as an Ansible inventory
#
# Boxes share a bridge in a network namespace "vmlab-NUMBER"; the host itself gets no new interface.
# A controller reaches them with ProxyCommand="ip netns exec vmlab-NUMBER nc %h %p".
# What a box cannot do: run anything on CPUs or nodes that the real machine lacks, change the real kernel's
# settings (/proc/sys is read-only), raise hard limits above the caller's.
# Needs root, util-linux, iproute2, netcat-openbsd, overlayfs. Works without systemd on the host and with cgroup v1,
# hybrid or v2 mounts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
run=${VMLAB_BOXES:-${VMLAB_CACHE:-$HOME/.cache/vmlab}/boxes}
# Each folder of boxes has a namespace, a subnet and a control group, so that two labs on a host never meet.
lab=$(printf %s "$run" | cksum | cut -d ' ' -f 1)
ns=vmlab-$((lab % 16384)) subnet=10.$((64 + lab % 16384 / 256)).$((lab % 256))
proxy="ip netns exec $ns nc %h %p"

fail() { echo "box: $*" >&2; exit 1; }

# PID of a running box's systemd; its outer parent must be the one recorded, for PIDs get reused.
pid_of() {
  local p; p=$(cat "$run/$1/pid" 2>/dev/null) || return 1
  [ "$(awk '$1 == "PPid:" {print $2}' "/proc/$p/status" 2>/dev/null)" = "$(cat "$run/$1/outer")" ] && echo "$p"
}

cgroups() {
  local mount; mount=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
  [ -n "$mount" ] || fail "this host has no cgroup v2 hierarchy"
  echo "$mount/$ns"
}

# Where the host's CPUs are under version 1: its hierarchy of CPUs, and the one of names that systemd then wants beside version 2.
# A box that is to have version 2 alone, as engines of containers and systemd 256 want it, has no limits of CPUs then.
old_cgroups() {
  local cpu names
  [ "${VMLAB_CGROUPS:-}" != unified ] || return 0
  cpu=$(findmnt -n -t cgroup -O cpu -o TARGET | head -n 1) names=$(findmnt -n -t cgroup -O name=systemd -o TARGET | head -n 1)
  if [ -n "$cpu" ] && [ -n "$names" ]; then echo "$cpu/$ns $names/$ns"; fi
}

network() {                                    # the namespace and its bridge, once
  ip netns list | grep -qE "^$ns( |\$)" && return
  ip netns add $ns
  ip -n $ns link set lo up
  ip -n $ns link add br0 type bridge
  ip -n $ns addr add $subnet.254/24 dev br0
  ip -n $ns link set br0 up
}

# What runs as the first process of the box's namespaces, until systemd takes its place.
# shellcheck disable=SC2016  # expanded inside
inside='
  dir=$0 base=$1 name=$2 cpu=$3
  read -r me _ < /proc/self/stat               # still the PID that the host knows
  exec 7<>"$dir/born"
  mount --make-rprivate /
  mount -t overlay -o "lowerdir=$base,upperdir=$dir/upper,workdir=$dir/work" box "$dir/root"
  cd "$dir/root"
  mount -t proc proc proc
  mount -t sysfs -o ro sysfs sys
  if [ -n "$cpu" ]; then                       # as systemd calls it hybrid: version 2 for processes, version 1 for CPUs
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/unified sys/fs/cgroup/cpu
    mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
    mount -t cgroup -o cpu cgroup sys/fs/cgroup/cpu
    # systemd mounts what this names; all other controllers are still those of the real machine.
    grep -E "^(#|cpu[[:blank:]])" proc/cgroups > "$dir/cgroups"; mount --bind "$dir/cgroups" proc/cgroups
  else
    mount -t cgroup2 cgroup2 sys/fs/cgroup
  fi
  mount --bind proc/sys proc/sys; mount -o remount,bind,ro proc/sys
  mount -t tmpfs -o mode=755 tmpfs run
  mount -t tmpfs -o mode=1777 tmpfs tmp
  mount -t tmpfs -o mode=755 tmpfs dev
  mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
  mount -t tmpfs -o mode=1777 tmpfs dev/shm
  for d in null zero full random urandom tty; do touch dev/$d; mount --bind /dev/$d dev/$d; done
  ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd; touch dev/console; mount --bind /dev/null dev/console
  # The memory of nodes stays what it is now: where a hypervisor changes it, two runs would plan different values.
  for f in sys/devices/system/node/node*/meminfo; do
    [ -e "$f" ] || continue
    cat "$f" > "$dir/${f//\//-}"; mount --bind "$dir/${f//\//-}" "$f"
  done
  for f in sys/devices/system/cpu sys/devices/system/node sys/kernel/mm/transparent_hugepage proc/cpuinfo; do
    [ ! -e "$dir/fake/$f" ] || mount --bind "$dir/fake/$f" "$f"
  done
  hostname "$name"; echo "$name" > etc/hostname; ip link set lo up
  mkdir -p .old; pivot_root . .old; umount -l /.old; rmdir /.old
  echo "$me" >&7; exec 7>&-
  exec env -i container=box PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init
'

up() {
  [ $# -ge 1 ] || fail "a box needs a name"
  [ "$(id -u)" = 0 ] || fail "must run as root: it makes namespaces"
  local name=$1 tree=${2:-} dir=$run/$1 image base cg old each pid state='' n=1 began
  began=$(date +%s%N)
  pid_of "$name" >/dev/null && fail "$name is already running"
  [ -z "$tree" ] || [ -r "$tree" ] || fail "there is no readable file $tree"
  image=$("$here/build-image.sh"); base=$image/rootfs
  mkdir -p "$run"; exec 8>"$run/lock"; flock 8
  if [ ! -d "$base" ]; then
    mkdir "$base.tmp"; tar -C "$base.tmp" --numeric-owner -xpf "$image/rootfs.tar"; mv "$base.tmp" "$base"
  fi
  if [ -n "${again:-}" ]; then
    [ -s "$dir/address" ] || fail "$name has no files to start with"
    n=$(cut -d . -f 4 "$dir/address"); rm -rf "$dir/work" "$dir/born"; mkdir "$dir/work"
  else
    rm -rf "$dir"; mkdir -p "$dir"/{upper,work,root,fake}
    while grep -qsx "$subnet.$n" "$run"/*/address; do n=$((n+1)); done
    echo "$subnet.$n" > "$dir/address"
  fi
  network; flock -u 8
  [ -z "$tree" ] || tar -C "$dir/fake" -xf "$tree"
  cg=$(cgroups)/$name; mkdir -p "$cg"
  old=$(old_cgroups)
  for each in $old; do mkdir -p "$each/$name"; done

  mkfifo "$dir/born"; exec 7<>"$dir/born"
  # The child enters its cgroup, then fresh namespaces; systemd is PID 1 in them.
  # shellcheck disable=SC2016  # expanded by the child
  setsid bash -c '
    echo $$ > "$0/cgroup.procs"; echo $$ > "$1/outer"
    for each in $5; do echo $$ > "$each/$4/cgroup.procs"; done
    exec unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup bash -euc "$2" "$1" "$3" "$4" "$5"
  ' "$cg" "$dir" "$inside" "$base" "$name" "$old" </dev/null >"$dir/log" 2>&1 7>&- 8>&- &
  read -r -t 30 -u 7 pid || { cat "$dir/log" >&2; fail "$name did not come to life"; }
  exec 7>&-
  echo "$pid" > "$dir/pid"
  ip link add "vl$pid" netns $ns type veth peer name eth0 netns "$pid"
  ip -n $ns link set "vl$pid" master br0 up
  nsenter -t "$pid" -n sh -c "ip addr add $subnet.$n/24 dev eth0; ip link set eth0 up; ip route add default via $subnet.254"
  for _ in $(seq 200); do                      # until systemd listens; then it tells when it is done
    state=$(nsenter -t "$pid" -m -p systemctl is-system-running --wait 2>/dev/null || true)
    case $state in running|degraded) break;; esac; sleep 0.05
  done
  printf '{"name": "%s", "host": "%s", "port": 22, "user": "root", "key": "%s", "proxy": "%s", "pid": %s, "state": "%s", "ms": %s}\n' \
    "$name" "$subnet.$n" "$image/id" "$proxy" "$pid" "$state" $((($(date +%s%N) - began) / 1000000)) | tee "$dir/info.json"
}

# What a box has in the kernel goes, its files stay.
crash() {
  local pid=none cg
  if pid=$(pid_of "$1"); then
    kill -9 "$pid"; while [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.02; done
  fi
  ip -n $ns link del "vl${pid:-none}" 2>/dev/null || true
  for cg in $(cgroups) $(old_cgroups); do
    [ ! -d "$cg/$1" ] || find "$cg/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

down() {
  crash "$1"
  rm -rf "${run:?}/${1:?}"
  no_longer_prefer
}

# The folder of the lab's group, the file of a weight, and the greatest and the usual one, in whichever version has the CPUs.
weights() {
  local cpu; cpu=$(findmnt -n -t cgroup -O cpu -o TARGET | head -n 1)
  if [ -n "$cpu" ]; then echo "$cpu/$ns cpu.shares 262144 1024"; else echo "$(cgroups) cpu.weight 10000 100"; fi
}

prefer() {
  local folder file most usual group
  read -r folder file most usual < <(weights)
  for group in "$folder/$1" "$folder"; do
    [ -w "$group/$file" ] || fail "$1 cannot go before all else: there is no $group/$file"
    echo "$most" > "$group/$file"
  done
}

# The other boxes of the lab, and what comes after it, are as important as everything else.
no_longer_prefer() {
  local folder file most usual
  read -r folder file most usual < <(weights)
  [ ! -w "$folder/$file" ] || echo "$usual" > "$folder/$file"
}

names() { for d in "$run"/*/; do [ ! -d "$d" ] || basename "$d"; done; }

list() {
  local name
  for name in $(names); do
    if pid_of "$name" >/dev/null && [ -e "$run/$name/info.json" ]; then cat "$run/$name/info.json"; fi
  done
}

command=${1:-}; shift || true
case $command in
  up) up "$@" ;;
  boot) again=1 up "$@" ;;
  crash) crash "${1:?say which box}" ;;
  down)
    [ $# -gt 0 ] || fail "say which boxes to stop, or --all"
    if [ "$1" = --all ]; then
      for name in $(names); do down "$name"; done
      ip netns del $ns 2>/dev/null || true
    else
      for name in "$@"; do down "$name"; done
    fi ;;
  prefer) prefer "${1:?say which box}" ;;
  list) list ;;
  inventory) list | python3 "$here/vm/inventory.py" "$@" ;;
  *) sed -n '6,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
