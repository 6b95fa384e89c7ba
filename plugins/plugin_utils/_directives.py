# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directives systemd knows in a unit of a service, and the grammar of each one's value (_directive_values.py).

Source: ``systemd --dump-configuration-items`` of 252, src/core/load-fragment-gperf.gperf.in of 258. ``NAME@RELEASE`` is
known from that release on. ``gone`` is what systemd reads the name of, and nothing else.
"""

from __future__ import annotations

import difflib
from typing import NamedTuple

_CONDITIONS = """
text: Architecture ACPower CPUFeature CPUPressure CPUs Capability ControlGroupController Credential Environment
 FirstBoot Group Host IOPressure KernelCommandLine KernelModuleLoaded@258 KernelVersion Memory MemoryPressure
 OSRelease Security User Version@258 Virtualization
condition_path: DirectoryNotEmpty FileIsExecutable FileNotEmpty NeedsUpdate PathExists PathExistsGlob PathIsDirectory
 PathIsEncrypted PathIsMountPoint PathIsReadWrite PathIsSymbolicLink
"""
_UNIT = """
text: ConditionFirmware Description
reboot: JobTimeoutRebootArgument RebootArgument
urls: Documentation
path: SourcePath
units: After Before BindTo BindsTo Conflicts JoinsNamespaceOf OnFailure OnSuccess PartOf PropagateReloadFrom
 PropagateReloadTo PropagatesReloadTo PropagatesStopTo ReloadPropagatedFrom Requires RequiresOverridable Requisite
 RequisiteOverridable StopPropagatedFrom Upholds Wants
absolute_paths: RequiresMountsFor WantsMountsFor@256
boolean: AllowIsolate DefaultDependencies IgnoreOnIsolate OnFailureIsolate RefuseManualStart RefuseManualStop
 StopWhenUnneeded SurviveFinalKillSignal@255
job_mode: OnFailureJobMode OnSuccessJobMode
seconds: JobRunningTimeoutSec JobTimeoutSec StartLimitInterval StartLimitIntervalSec
action: FailureAction JobTimeoutAction StartLimitAction SuccessAction
unsigned: StartLimitBurst
exit_status: FailureActionExitStatus SuccessActionExitStatus
collect_mode: CollectMode
gone: IgnoreOnSnapshot
"""
_SERVICE = """
text: PAMName RebootArgument SyslogIdentifier UtmpIdentifier
free: AppArmorProfile AmbientCapabilities BPFDelegateAttachments@258 BPFDelegateCommands@258 BPFDelegateMaps@258
 BPFDelegatePrograms@258 BPFProgram BlockIODeviceWeight BlockIOReadBandwidth BlockIOWeight BlockIOWriteBandwidth
 CPUShares CapabilityBoundingSet CoredumpFilter ExtensionDirectories ExtensionImagePolicy@254 ExtensionImages
 ImportCredential@254 LandlockConfig@258 LoadCredential LoadCredentialEncrypted LogExtraFields LogFilterPatterns@253
 LogNamespace MountImagePolicy@254 MountImages NFTSet@255 OpenFile@253 RestrictFileSystems RestrictNetworkInterfaces
 RootHash RootHashSignature RootImageOptions RootImagePolicy@254 SELinuxContext SecureBits SetCredential
 SetCredentialEncrypted SmackProcessLabel StandardInputData StandardInputText StartupBlockIOWeight StartupCPUShares
environment: Environment
command: ExecCondition ExecReload ExecReloadPost@259 ExecStart ExecStartPost ExecStartPre ExecStop ExecStopPost
seconds: LogRateLimitIntervalSec MemoryPressureThresholdSec@254 RestartMaxDelaySec@254 RestartSec RuntimeMaxSec
 RuntimeRandomizedExtraSec StartLimitInterval TimeoutCleanSec TimeoutSec TimeoutStartSec TimeoutStopSec WatchdogSec
seconds_or_empty: CPUQuotaPeriodSec ManagedOOMMemoryPressureDurationSec@257 TimeoutAbortSec
nanoseconds: TimerSlackNSec
unsigned: FileDescriptorStoreMax LogRateLimitBurst RestartSteps@254 StartLimitBurst
rows: TTYColumns TTYRows
boolean: BlockIOAccounting CPUAccounting CPUSchedulingResetOnFork CacheDirectoryAccounting@258 CoredumpReceive@255
 GuessMainPID IOAccounting IPAccounting IgnoreSIGPIPE LockPersonality LogsDirectoryAccounting@258 MemoryAccounting
 MemoryDenyWriteExecute MemoryZSwapWriteback@256 NoNewPrivileges NonBlocking PermissionsStartOnly PrivateDevices
 PrivateIPC PrivateMounts PrivateNetwork ProtectClock ProtectKernelLogs ProtectKernelModules ProtectKernelTunables
 RemainAfterExit RemoveIPC RestrictRealtime RestrictSUIDSGID RootDirectoryStartOnly RootEphemeral@254 SendSIGHUP
 SendSIGKILL StateDirectoryAccounting@258 SyslogLevelPrefix TTYReset TTYVHangup TTYVTDisallocate TasksAccounting
boolean_or_empty: BindLogSockets@257 MemoryKSM@254 MountAPIVFS RefreshOnReload@259 SetLoginEnvironment@255
boolean_fatal: DynamicUser
private_bpf: PrivateBPF@258
private_pids: PrivatePIDs@257
private_tmp: PrivateTmp
private_users: PrivateUsers
protect_control_groups: ProtectControlGroups
protect_home: ProtectHome
protect_hostname: ProtectHostname
protect_proc: ProtectProc
protect_system: ProtectSystem
proc_subset: ProcSubset
preserve: FileDescriptorStorePreserve@254 RuntimeDirectoryPreserve
restart: Restart
restart_mode: RestartMode@254
service_type: Type
exit_type: ExitType
kill_mode: KillMode
signal: FinalKillSignal KillSignal ReloadSignal@253 RestartKillSignal WatchdogSignal
statuses: RestartForceExitStatus RestartPreventExitStatus SuccessExitStatus
timeout_mode: TimeoutStartFailureMode TimeoutStopFailureMode
action: FailureAction StartLimitAction
notify_access: NotifyAccess
oom_policy: OOMPolicy
managed_oom: ManagedOOMMemoryPressure ManagedOOMSwap
managed_oom_preference: ManagedOOMPreference
share_or_empty: ManagedOOMMemoryPressureLimit
memory_watch: MemoryPressureWatch@254
bus_name: BusName
sockets: Sockets
slice: Slice
path: IPCNamespacePath NetworkNamespacePath TTYPath USBFunctionDescriptors USBFunctionStrings UserNamespacePath@259
path_fatal: RootDirectory RootImage RootVerity
path_colons: ExecSearchPath
filter_path: IPEgressFilterPath IPIngressFilterPath
pid_file: PIDFile
working_directory: WorkingDirectory
environment_file: EnvironmentFile
names: PassEnvironment
names_or_assignments: UnsetEnvironment
sandbox_paths: ExecPaths InaccessibleDirectories InaccessiblePaths NoExecPaths ReadOnlyDirectories ReadOnlyPaths
 ReadWriteDirectories ReadWritePaths
binds: BindPaths BindReadOnlyPaths
temporary: TemporaryFileSystem
directories: CacheDirectory LogsDirectory RuntimeDirectory StateDirectory
directories_alone: ConfigurationDirectory
quota_or_off: CacheDirectoryQuota@258 LogsDirectoryQuota@258 StateDirectoryQuota@258
mode: CacheDirectoryMode ConfigurationDirectoryMode LogsDirectoryMode RuntimeDirectoryMode StateDirectoryMode UMask
user: Group User
users: SupplementaryGroups
nice: Nice
oom_score: OOMScoreAdjust
io_class: IOSchedulingClass
io_priority: IOSchedulingPriority
cpu_policy: CPUSchedulingPolicy
cpu_priority: CPUSchedulingPriority
cpu_affinity: CPUAffinity
cpus: AllowedCPUs AllowedMemoryNodes StartupAllowedCPUs StartupAllowedMemoryNodes
numa_policy: NUMAPolicy
numa_mask: NUMAMask
cpu_weight: CPUWeight StartupCPUWeight
io_weight: IOWeight StartupIOWeight
cpu_quota: CPUQuota
memory: DefaultMemoryLow DefaultMemoryMin DefaultStartupMemoryLow@253 MemoryLow MemoryMin MemorySwapMax
 MemoryZSwapMax@253 StartupMemoryLow@253 StartupMemorySwapMax@253 StartupMemoryZSwapMax@253
memory_above_zero: MemoryHigh MemoryLimit MemoryMax StartupMemoryHigh@253 StartupMemoryMax@253
memory_thp: MemoryTHP@259
tasks: TasksMax
device_bytes: IOReadBandwidthMax IOReadIOPSMax IOWriteBandwidthMax IOWriteIOPSMax
device_time: IODeviceLatencyTargetSec
device_weight: IODeviceWeight
device: DeviceAllow
device_policy: DevicePolicy
delegate: Delegate
delegate_subgroup: DelegateSubgroup@254
controllers: DisableControllers
addresses: IPAddressAllow IPAddressDeny
socket_bind: SocketBindAllow SocketBindDeny
limit_bytes: LimitAS LimitCORE LimitDATA LimitFSIZE LimitMEMLOCK LimitMSGQUEUE LimitRSS LimitSTACK
limit_number: LimitLOCKS LimitNOFILE LimitNPROC LimitRTPRIO LimitSIGPENDING
limit_time: LimitCPU LimitRTTIME
limit_nice: LimitNICE
input: StandardInput
output: StandardError StandardOutput
facility: SyslogFacility
level: LogLevelMax SyslogLevel
keyring: KeyringMode
utmp: UtmpMode
mount_flag: MountFlags
personality: Personality
system_calls: SystemCallFilter SystemCallLog
error_number: SystemCallErrorNumber
architectures: SystemCallArchitectures
namespaces: DelegateNamespaces@258 RestrictNamespaces
address_families: RestrictAddressFamilies
gone: BusPolicy Capabilities NetClass SysVStartPriority
"""
_INSTALL = "free: Alias Also DefaultInstance RequiredBy UpheldBy@253 WantedBy"
# Names that look like no directive, and what people mean by them.
_MEANT = {
    **dict.fromkeys(("Env", "Environ", "Enviroment", "Environments", "EnvironmentVariable"), "Environment"),
    **dict.fromkeys(("EnvFile", "EnvironmentFiles"), "EnvironmentFile"),
    **dict.fromkeys(("Exec", "Command", "Cmd", "StartExec"), "ExecStart"),
    **dict.fromkeys(("MemLimit", "Memory"), "MemoryMax"),
    **dict.fromkeys(("CPUs", "Cpus", "CPUSet", "AllowedCPU"), "AllowedCPUs"),
}


class Directive(NamedTuple):
    """A directive of systemd; ``since`` is the release of systemd, 252 where it is as old or older."""

    section: str
    name: str
    grammar: str
    since: int


def _read(section: str, text: str, prefixes: tuple[str, ...] = ("",)) -> dict[str, Directive]:
    found = {}
    for line in text.replace("\n ", " ").strip().split("\n"):
        grammar, _colon, names = line.partition(":")
        for word in names.split():
            name, _at, since = word.partition("@")
            for prefix in prefixes:
                found[prefix + name] = Directive(section, prefix + name, grammar, int(since or 252))
    return found


KNOWN = {
    "Unit": {**_read("Unit", _UNIT), **_read("Unit", _CONDITIONS, ("Condition", "Assert"))},
    "Service": _read("Service", _SERVICE),
    "Install": _read("Install", _INSTALL),
}


def homes(name: str) -> list[str]:
    """The sections in which a directive of this name stands."""
    return [section for section, directives in KNOWN.items() if name in directives]


def nearest(section: str, name: str) -> str | None:
    """The directive of the section that a misspelt name is meant for; None where it is not plain."""
    known = KNOWN.get(section, {})
    if _MEANT.get(name) in known:
        return _MEANT[name]
    lower = {each.lower(): each for each in known}
    plain = name.lower().replace("_", "").replace("-", "")
    near = [plain] if plain in lower else difflib.get_close_matches(plain, sorted(lower), n=1, cutoff=0.8)
    return lower[near[0]] if near else None


def nearest_section(name: str) -> str | None:
    """The section that a misspelt one is meant for; None where it is not plain."""
    lower = {each.lower(): each for each in KNOWN}
    near = difflib.get_close_matches(name.strip().lower(), sorted(lower), n=1, cutoff=0.7)
    return lower[near[0]] if near else None
