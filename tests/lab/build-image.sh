#!/usr/bin/env bash
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Build the test hosts' image from Debian packages, cached by a hash of this script and what it reads.
# Prints the image's folder, which holds:
#   rootfs.tar    the plain root file system (boxes)
#   rootfs.ext4   the same plus kernel modules (disk of a VM, sparse raw)
#   vmlinux       uncompressed kernel, booted through its PVH entry: no boot loader, no decompression
#   initrd.img    busybox, six virtio modules, ten lines of shell
#   id, id.pub    root's SSH key
# Packages come from the archive that this host's own apt uses, and from nowhere else.
# Needs root and: mmdebstrap cpio e2fsprogs lz4 openssh-client systemd python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${VMLAB_CACHE:-$HOME/.cache/vmlab}
suite=${VMLAB_SUITE:-bookworm}

fail() { echo "build-image: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "must run as root: it unpacks a root file system with its owners"
for tool in mmdebstrap cpio mkfs.ext4 lz4 ssh-keygen python3; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || fail "$tool is missing; README.md names the packages"
done

# shellcheck disable=SC2016  # the $( ) is apt's own placeholder
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" | grep -v security | sort -u | head -n 1)
[ -n "$mirror" ] || fail "this host's apt knows no package archive; run apt-get update first"
# Packages beside them for hosts that need more, and whether the image is for boxes alone: rootfs.tar and the key.
more=${VMLAB_PACKAGES:-} only_boxes=${VMLAB_ONLY_BOXES:-}
mapfile -t packages < <(grep -hvE '^\s*(#|$)' "$here/packages.txt" ${more:+"$here/$more"})
labcache=${VMLAB_LABCACHE:-1}
key=$(cat "$0" "$here/packages.txt" ${more:+"$here/$more"} "$here/labcache.py" <(echo "$suite $mirror $labcache$only_boxes") | sha256sum | cut -c1-12)
out=$cache/image-$key
[ -e "$out/done" ] && { echo "$out"; exit; }

exec 3>&1 >&2                                      # standard output carries only the result
mkdir -p "$cache"; exec 9>"$cache/lock"; flock 9   # one builder at a time
[ -e "$out/done" ] && { echo "$out" >&3; exit; }
rm -rf "$out"; mkdir -p "$out/kernel"; cd "$out"
echo "build-image: building $out"

# 1. Root file system. The kernel package is downloaded but not installed: its dependencies would bring
#    initramfs-tools and half a minute of hooks.
# shellcheck disable=SC2016  # expanded by the hook's own shell
mmdebstrap --quiet --variant=apt --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='Apt::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --customize-hook='[ -n "'"$only_boxes"'" ] || { cd '"$out/kernel"' && export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG &&
    apt-get -qq -o APT::Sandbox::User=root download busybox-static \
      $(apt-cache depends linux-image-cloud-amd64 | sed -n "s/.*Depends: \(linux-image-\)/\1/p"); }' \
  "$suite" base.tar "$mirror"

# 2. Settings of a test host, shared by VMs and boxes.
mkdir root; tar -C root --numeric-owner -xpf base.tar; rm base.tar
ssh-keygen -q -t ed25519 -N '' -C vmlab -f id
install -d -m700 root/root/.ssh; install -m600 id.pub root/root/.ssh/authorized_keys
echo testhost > root/etc/hostname
echo '127.0.0.1 localhost testhost' > root/etc/hosts
: > root/etc/fstab
tr -d - < /proc/sys/kernel/random/uuid > root/etc/machine-id
rm -f root/etc/ssh/ssh_host_{rsa,ecdsa}_key*       # emulated CPUs: keep only the cheap algorithms
cat > root/etc/ssh/sshd_config.d/lab.conf <<X
HostKey /etc/ssh/ssh_host_ed25519_key
KexAlgorithms curve25519-sha256
UseDNS no
PermitRootLogin prohibit-password
MaxStartups 100
PrintMotd no
X
# No network behind the host, so no name service: a failing getfqdn() would cost fact gathering 10 s.
sed -i 's/^hosts:.*/hosts: files myhostname/' root/etc/nsswitch.conf; : > root/etc/resolv.conf
unit() { systemctl --quiet --root=root "$@"; }
unit enable ssh
unit set-default multi-user.target
unit disable getty@tty1 remote-fs.target apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  fstrim.timer systemd-pstore haproxy 2>/dev/null || true
unit mask systemd-logind.service e2scrub_all.timer e2scrub_reap.service systemd-firstboot.service systemd-update-utmp.service \
  systemd-journal-flush.service systemd-random-seed.service getty.target
# Sleep states and module probes that nobody tests; each costs a fork and exec of an emulated CPU.
unit mask modprobe@{configfs,dm_mod,drm,fuse,loop,efi_pstore}.service kmod-static-nodes.service \
  systemd-binfmt.service proc-sys-fs-binfmt_misc.automount sys-kernel-{tracing,debug,config}.mount \
  sys-fs-fuse-connections.mount systemd-remount-fs.service
# The moment from which a controller may connect; a line on the console is cheaper to watch than SSH.
cat > root/etc/systemd/system/lab-ready.service <<X
[Unit]
After=ssh.service network.target systemd-user-sessions.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo LAB-READY > /dev/console'
[Install]
WantedBy=multi-user.target
X
unit enable lab-ready
tar -C root --numeric-owner -cf rootfs.tar .
if [ -n "$only_boxes" ]; then
  rm -rf root kernel; : > "$out/done"; echo "$out" >&3; exit
fi

# 3. VMs only: compiled-module cache, kernel modules, static address in QEMU's user network, coldplug without
#    one modprobe per CPU.
if [ "$labcache" = 1 ]; then
  cp "$here/labcache.py" root/usr/lib/python3/dist-packages/
  echo 'import labcache' > root/usr/lib/python3/dist-packages/labcache.pth
fi
for d in kernel/*.deb; do dpkg-deb -x "$d" kernel/x; done
kv=$(ls kernel/x/lib/modules)
mkdir -p root/usr/lib/modules; cp -a "kernel/x/lib/modules/$kv" root/usr/lib/modules/
chroot root depmod "$kv"
cat > root/etc/systemd/network/10-lab.network <<X
[Match]
Name=en* eth*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
X
unit enable systemd-networkd
unit disable systemd-networkd-wait-online systemd-network-generator 2>/dev/null || true
mkdir -p root/etc/systemd/system/systemd-udev-trigger.service.d
cat > root/etc/systemd/system/systemd-udev-trigger.service.d/lab.conf <<X
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=net --subsystem-match=block
X
truncate -s 2G rootfs.ext4
mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1 -d root rootfs.ext4

# 4. The kernel out of its bzImage: header bytes 0x1f1 and 0x248 say where the payload is.
python3 - kernel/x/boot/vmlinuz-* vmlinux <<'X'
import pathlib
import struct
import subprocess
import sys

image = pathlib.Path(sys.argv[1]).read_bytes()
offset, size = struct.unpack_from("<II", image, 0x248)
payload = image[((image[0x1F1] or 4) + 1) * 512 + offset :][: size - 4]  # the last 4 bytes are the unpacked size
tool = {b"\x02\x21": "lz4", b"\x28\xb5": "zstd", b"\xfd7": "xz", b"\x1f\x8b": "gzip"}[payload[:2]]
kernel = subprocess.run([tool, "-dc"], input=payload, stdout=subprocess.PIPE).stdout
if kernel[:4] != b"\x7fELF":
    sys.exit(f"build-image: {sys.argv[1]} holds no ELF kernel")
pathlib.Path(sys.argv[2]).write_bytes(kernel)
X

# 5. initrd: load the virtio modules in dependency order, mount /dev/vda, switch.
mkdir -p ird/{bin,m,dev,new}; cp kernel/x/bin/busybox ird/bin/; ln -s busybox ird/bin/sh
n=10
for m in virtio_pci virtio_blk virtio_net virtio-rng; do
  chroot root modprobe -S "$kv" --show-depends $m | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!s[$0]++' | while read -r f; do cp "root$f" "ird/m/$n-$(basename "$f")"; n=$((n+1)); done
cat > ird/init <<'X'
#!/bin/sh
b=/bin/busybox
for m in /m/*; do $b insmod $m; done
$b mount -t devtmpfs dev /dev
until [ -b /dev/vda ]; do $b usleep 10000; done
$b mount -t ext4 -o rw,noatime /dev/vda /new
$b mount --move /dev /new/dev
exec $b switch_root /new /sbin/init
X
chmod +x ird/init
(cd ird && find . | cpio -o -H newc --quiet -R 0:0) > initrd.img
rm -rf root ird kernel
: > "$out/done"
echo "$out" >&3
