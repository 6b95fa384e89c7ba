# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that systemd takes as values of directives, those of releases 252 to 258 together.

Source: systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.kill(5), systemd.resource-control(5), and what
systemd-analyze of 252 refuses.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Grammar: its words. Capitals count.
CHOICES = {
    "job_mode": "fail replace replace-irreversibly isolate flush ignore-dependencies ignore-requirements triggering"
    " restart-dependencies lenient",
    "action": "none reboot reboot-force reboot-immediate poweroff poweroff-force poweroff-immediate exit exit-force"
    " soft-reboot soft-reboot-force kexec kexec-force halt halt-force halt-immediate",
    "collect_mode": "inactive inactive-or-failed",
    "restart": "no on-success on-failure on-abnormal on-watchdog on-abort always",
    "restart_mode": "normal direct debug",
    "service_type": "simple exec forking oneshot dbus notify notify-reload idle",
    "exit_type": "main cgroup",
    "kill_mode": "control-group process mixed none",
    "timeout_mode": "terminate abort kill",
    "notify_access": "none main exec all",
    "oom_policy": "continue stop kill",
    "managed_oom": "auto kill",
    "managed_oom_preference": "none avoid omit",
    "memory_watch": "auto on off skip",
    "memory_thp": "inherit disable madvise system",
    "numa_policy": "default preferred bind interleave local",
    "device_policy": "auto closed strict",
    "protect_proc": "noaccess invisible ptraceable default",
    "proc_subset": "all pid",
    "keyring": "inherit private shared",
    "utmp": "init login user",
    "mount_flag": "shared slave private",
    "personality": "x86 x86-64 arm arm64 arm-be arm64-be ppc ppc-le ppc64 ppc64-le s390 s390x riscv32 riscv64"
    " loongarch64",
}
# Those that an empty value resets.
EMPTY = frozenset({"kill_mode", "managed_oom", "mount_flag", "numa_policy", "personality"})
# The same beside what a boolean may be.
CHOICES_OR_BOOLEAN = {
    "private_bpf": "",
    "private_pids": "",
    "private_tmp": "disconnected",
    "private_users": "self identity full managed",
    "protect_control_groups": "private strict",
    "protect_home": "read-only tmpfs",
    "protect_hostname": "private",
    "protect_system": "full strict",
    "preserve": "restart",
}
NO = frozenset({"0", "f", "false", "n", "no", "off"})
# Releases before 254 take numbers for these three as well.
IO_CLASSES = frozenset({"none", "realtime", "best-effort", "idle"})
CPU_POLICIES = frozenset({"other", "batch", "idle", "fifo", "rr", "ext"})
FACILITIES = _words(
    "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp local0 local1 local2 local3 local4"
    " local5 local6 local7"
)
LEVELS = _words("emerg alert crit err warning notice info debug")
INPUTS = _words("null tty tty-force tty-fail data socket fd")
OUTPUTS = _words("inherit null tty journal kmsg journal+console kmsg+console socket fd syslog syslog+console")
SIGNALS = _words(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN"
    " TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMAX"
)
EXITS = _words(
    "SUCCESS FAILURE INVALIDARGUMENT NOTIMPLEMENTED NOPERMISSION NOTINSTALLED NOTCONFIGURED NOTRUNNING USAGE"
    " DATAERR NOINPUT NOUSER NOHOST UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR TEMPFAIL PROTOCOL NOPERM"
    " CONFIG CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST SIGNAL_MASK STDIN STDOUT CHROOT IOPRIO TIMERSLACK"
    " SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER CAPABILITIES CGROUP SETSID CONFIRM STDERR PAM NETWORK"
    " NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY APPARMOR ADDRESS_FAMILIES"
    " RUNTIME_DIRECTORY CHOWN SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY"
    " CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF EXCEPTION KSM MEMORY_THP"
)
CONTROLLERS = _words(
    "cpu cpuacct cpuset io blkio memory devices pids bpf-firewall bpf-devices bpf-foreign bpf-socket-bind bpf-"
    " restrict-network-interfaces bpf-bind-network-interface"
)
ADDRESSES = _words("any localhost link-local multicast")
NAMESPACES = _words("cgroup ipc net mnt pid user uts time")
ARCHITECTURES = _words(
    "native alpha arc arc-be arm arm-be arm64 arm64-be cris ia64 loongarch64 m68k mips mips-le mips64"
    " mips64-le mips64-n32 mips64-le-n32 nios2 parisc parisc64 ppc ppc-le ppc64 ppc64-le riscv32 riscv64 s390"
    " s390x sh sh64 sparc sparc64 tilegx x32 x86 x86-64"
)
FAMILIES = _words(
    "ALG APPLETALK ASH ATMPVC ATMSVC AX25 BLUETOOTH BRIDGE CAIF CAN DECNET ECONET FILE IB IEEE802154 INET"
    " INET6 IPX IRDA ISDN IUCV KCM KEY LLC LOCAL MCTP MPLS NETBEUI NETLINK NETROM NFC PACKET PHONET PPPOX"
    " QIPCRTR RDS ROSE ROUTE RXRPC SECURITY SMC SNA TIPC UNIX UNSPEC VSOCK WANPIPE X25 XDP"
)
CALL_GROUPS = _words(
    "@aio @basic-io @chown @clock @cpu-emulation @debug @default @file-system @io-event @ipc @keyring @known @memlock"
    " @module @mount @network-io @obsolete @pkey @privileged @process @raw-io @reboot @resources @sandbox @setuid"
    " @signal @swap @sync @system-service @timer"
)
# What begins the name of a file that holds what a program prints.
FILES = ("file:", "append:", "truncate:")
UNIT_KINDS = (
    "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope",
)  # fmt: skip
