# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people really write into units of Ollama: lines that do nothing, values that cannot be read, known harms."""

from __future__ import annotations

import pytest

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import around, lint_unit
from ansible_collections.inference.ollama.tests.unit.support import reported

UNIT = "/etc/systemd/system/ollama.service"
DROPIN = f"{UNIT}.d/override.conf"
DEFAULTS = "/etc/default/ollama"
COMMAND = "ExecStart=/usr/local/bin/ollama serve\n"
NEW = parse_release("0.34.1")


def look(dropin, defaults="", unit=COMMAND, missing=None, path=UNIT):
    units = [(path, f"[Unit]\nDescription=x\n[Service]\n{unit}"), (DROPIN, f"[Service]\n{dropin}")]
    return lint_unit(read_service(units, [(DEFAULTS, defaults)]), NEW, missing)


def short(findings):
    return [(each.line, each.name, each.severity, each.code) for each in findings]


@pytest.mark.parametrize(
    ("line", "name", "remedy"),
    [
        ("OLLAMA_MODELS=/data/models", "OLLAMA_MODELS", 'write Environment="OLLAMA_MODELS=..." under [Service]'),
        (
            "CUDA_VISIBLE_DEVICES=0",
            "CUDA_VISIBLE_DEVICES",
            'write Environment="CUDA_VISIBLE_DEVICES=..." under [Service]',
        ),
        ("HTTPS_PROXY=http://p:1", "HTTPS_PROXY", 'write Environment="HTTPS_PROXY=..." under [Service]'),
        ('Enviroment="OLLAMA_KEEP_ALIVE=-1"', "Enviroment", "did you mean Environment=?"),
        ("Wants=a.service", "Wants", "put it under [Unit]"),
        ("WantedBy=multi-user.target", "WantedBy", "put it under [Install]"),
        ("StartLimitIntervalSec=0", "StartLimitIntervalSec", "put it under [Unit]"),
        ("Xyzzy=1", "Xyzzy", "look the name up in systemd.directives(7), or leave the line out"),
        ("SysVStartPriority=1", "SysVStartPriority", "leave it out"),
        ("[Servce]\nEnvironment=A=1", "Environment", "did you mean [Service]?"),
        ("[service]\nNice=1", "Nice", "did you mean [Service]?"),
        ("[Ollama]\nmodels=/data", "models", "leave it out"),
    ],
)
def test_a_line_that_systemd_does_not_know_does_nothing(line, name, remedy):
    """It is inert, with its place, what systemd does, and what was meant."""
    (found,) = look(line)
    assert (found.file, found.line, found.name, found.severity) == (DROPIN, 1 + line.count("\n") + 1, name, "inert")
    assert found.message.startswith("systemd passes this over: ")
    assert found.remedy == remedy


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("Restart=Always", "always"),
        ("Restart=on-failures", "on-failure"),
        ("LimitMEMLOCK=unlimited", "infinity"),
        ("LimitMEMLOCK=-1", "infinity"),
        ("LimitNOFILE=unlimited", "infinity"),
        ("TasksMax=unlimited", "infinity"),
        ("CPUAffinity=0-7;16-23", "0-7,16-23"),
        ("CPUAffinity=0..7", "0-7"),
        ("CPUAffinity=0-7 # first socket", "0-7"),
        ("AllowedCPUs=0 - 7", "0-7"),
        ("OOMScoreAdjust=-2000", "-1000"),
        ("Nice=-21", "-20"),
        ("CPUWeight=20000", "10000"),
        ("MemoryMax=48 GB", "48G"),
        ("MemoryMax=48GiB", "48G"),
        ("MemoryHigh=48g", "48G"),
        ("PrivateTmp=TRUE1", None),
        ("ProtectHome=readonly", "read-only"),
        ("ProtectSystem=Strict", "strict"),
        ("KillMode=mix", "mixed"),
        ("KillSignal=sigterm", "SIGTERM"),
        ("NUMAPolicy=Bind", "bind"),
        ("DevicePolicy=close", "closed"),
        ("RestartSec=3secs", None),
        ("TimeoutStartSec=unlimited", "infinity"),
        ("CPUQuota=4", None),
        ("LimitNOFILE=64K", None),
        ("Type=Simple", "simple"),
        ('EnvironmentFile="/etc/ollama/env"', "/etc/ollama/env"),
        ("EnvironmentFile=~/ollama.env", None),
        ("IOSchedulingClass=realtime-class", None),
        ("NoNewPrivileges=", None),
    ],
)
def test_a_value_that_systemd_cannot_read_does_nothing(line, right):
    """It is inert, with what would be right, and no advice takes it for a good one."""
    found = look(line)
    name, _equals, value = line.partition("=")
    assert short(found) == [(2, name, "inert", "ignored-line")]
    assert found[0].message.startswith("systemd passes this over: it cannot read ")
    assert (f"write {name}={right}; " in found[0].remedy) if right else found[0].remedy.startswith("allowed is")
    assert not value or repr(value) in found[0].message


def test_a_part_of_a_list_that_cannot_be_read_is_named():
    """systemd keeps the other words of the line."""
    (found,) = look("ReadWritePaths=/srv models")
    assert found.message == "systemd passes over words of this that it cannot read, in the value '/srv models'"


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("User=ollama:ollama", (2, "User")),
        ("User=/ollama", (2, "User")),
        ("WorkingDirectory=models", (2, "WorkingDirectory")),
        ("DynamicUser=maybe", (2, "DynamicUser")),
        ("ExecStart=\nExecStart=./ollama serve", (3, "ExecStart")),
        ("ExecStart=", (2, "ExecStart")),
        ("Type=oneshot\nRestart=always", (3, "Restart")),
        ("Type=dbus", (2, "Type")),
        ("[Service", (2, "")),
        ("[Unit] # more", (2, "")),
        ("NUMAPolicy=bind", (2, "NUMAPolicy")),
        ("NUMAPolicy=preferred\nNUMAMask=0-1", (3, "NUMAMask")),
    ],
)
def test_what_keeps_a_unit_from_loading_is_fatal(lines, place):
    """systemd refuses such a unit, or the service ends before the program starts."""
    assert (*place, "fatal", "bad-setting") in short(look(lines))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export OLLAMA_HOST=0.0.0.0:1", [(1, "OLLAMA_HOST", "inert", "ignored-line")]),
        ("OLLAMA_MODELS=/data/models # big disk", [(1, "OLLAMA_MODELS", "fatal", "comment-in-value")]),
        ("PROXY_NOTE=a #b", [(1, "PROXY_NOTE", "advice", "comment-in-value")]),
        ("OLLAMA_KEEP_ALIVE=5m\n# a comment\n; another", []),
        ("OLLAMA HOST=1", [(1, "", "inert", "ignored-line")]),
        ("OLLAMA_MODELS=/data/a#b", []),
    ],
)
def test_environment_files_are_no_shell_scripts(text, expected):
    """What a shell would take for a keyword or a comment belongs to the name or the value, and the cause is named."""
    found = look("EnvironmentFile=/etc/default/ollama", defaults=text)
    assert [each for each in short(found) if each[3] in ("ignored-line", "comment-in-value")] == expected
    if "export" in text:
        assert found[0].message.endswith(
            "export is no part of the syntax of an environment file, so OLLAMA_HOST is not set"
        )


def test_a_comment_behind_a_value_of_a_unit_is_named():
    """Behind Environment= its words are no assignments; in quotes and behind a name they belong to the value."""
    assert "comment" in look("Environment=OLLAMA_DEBUG=1 # more")[0].message
    assert short(look('Environment="OLLAMA_MODELS=/a # b"')) == [(2, "OLLAMA_MODELS", "fatal", "comment-in-value")]
    assert short(look("User=ollama # the service")) == [(2, "User", "fatal", "comment-in-value")]


def test_a_missing_environment_file_is_fatal_but_behind_a_dash():
    """systemd does not start a service whose environment file is not there."""
    missing = {"/etc/ollama/env": "the file does not exist"}
    assert short(look("EnvironmentFile=/etc/ollama/env", missing=missing)) == [
        (2, "EnvironmentFile", "fatal", "environment-file-missing")
    ]
    assert look("EnvironmentFile=-/etc/ollama/env", missing=missing) == []


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ollama serve --port 1143%i", [("fatal", "option")]),
        ("ollama serve --host=0.0.0.0", [("fatal", "option")]),
        ("ollama serve now", [("fatal", "option")]),
        ("ollama serve --help", []),
        ("env OLLAMA_NUM_THREADS=4 ollama serve", [("inert", "never")]),
        ("env -i OLLAMA_DEBUG=1 /usr/bin/ollama serve", []),
        (
            "sh -c 'OLLAMA_KEEP_ALIVE=1d exec numactl --membind=0 ollama serve'",
            [("fatal", "malformed"), ("advice", "membind")],
        ),
        ("bash -lc 'export OLLAMA_NUM_THREADS=3 && ollama serve --port 1'", [("fatal", "option"), ("inert", "never")]),
        ("sh -c 'if true; then ollama serve; fi'", [("advice", "unread-command")]),
        ("sh -c 'ollama serve > /var/log/ollama.log'", [("advice", "unread-command")]),
        ("sh -c 'ollama serve & sleep 5; ollama run x'", [("advice", "unread-command")]),
        ("/opt/start.sh", [("advice", "unread-command")]),
        ("sh -c 'OLLAMA_HOST=$ADDRESS ollama serve'", []),
        ("sh -c", [("advice", "unread-command")]),
        ("sh -c '\"'", [("advice", "unread-command")]),
    ],
)  # fmt: skip
def test_what_a_command_sets_and_takes_is_read(command, expected):
    """Variables before the program are those of the server, options behind serve stop it, and a script is named."""
    found = look("", unit=f"ExecStart={command}\n")
    assert [(each.severity, each.code) for each in found if each.code != "binding-without-threads"] == expected
    assert {(each.file, each.line) for each in found} <= {(UNIT, 4)}


def test_a_specifier_of_an_instance_is_not_malformed():
    """Only the instance says what it stands for; in a unit that is no template it stands for nothing."""
    lines = 'Environment="CUDA_VISIBLE_DEVICES=%i" "OLLAMA_HOST=127.0.0.1:1143%i" OLLAMA_NUM_THREADS=%i\n'
    template = [("/etc/systemd/system/ollama-gpu@.service", f"[Service]\n{COMMAND}{lines}")]
    assert short(lint_unit(read_service(template), NEW)) == [(3, "OLLAMA_NUM_THREADS", "inert", "never")]
    plain = read_service([(UNIT, f"[Service]\n{COMMAND}{lines}")])
    assert plain.environment["OLLAMA_HOST"].value == "127.0.0.1:1143"


@pytest.mark.parametrize(
    ("lines", "name", "severity", "code"),
    [
        ("PrivateDevices=yes", "PrivateDevices", "advice", "hides-gpu"),
        ("DevicePolicy=closed", "DevicePolicy", "advice", "hides-gpu"),
        ("DevicePolicy=strict", "DevicePolicy", "advice", "hides-gpu"),
        ("DevicePolicy=closed\nDeviceAllow=/dev/null rw", "DevicePolicy", "advice", "hides-gpu"),
        ("DeviceAllow=/dev/null rw", "DeviceAllow", "advice", "hides-gpu"),
        ("ProtectClock=true", "ProtectClock", "advice", "hides-gpu"),
        ("InaccessiblePaths=/dev/dri", "InaccessiblePaths", "advice", "hides-gpu"),
        ("PrivateUsers=yes", "PrivateUsers", "advice", "hides-gpu"),
        ("ProcSubset=pid", "ProcSubset", "advice", "hides-files"),
        ("MemoryDenyWriteExecute=on", "MemoryDenyWriteExecute", "advice", "stops-runner"),
        ("LimitAS=32G", "LimitAS", "advice", "stops-runner"),
        ("LimitNPROC=64", "LimitNPROC", "advice", "stops-runner"),
        ("TasksMax=50", "TasksMax", "advice", "stops-runner"),
        ("MemoryMax=48", "MemoryMax", "advice", "stops-runner"),
        ("LimitNOFILE=256", "LimitNOFILE", "advice", "stops-runner"),
        ("SystemCallFilter=read write", "SystemCallFilter", "advice", "stops-runner"),
        ("SystemCallFilter=~@network-io", "SystemCallFilter", "advice", "stops-runner"),
        ("PrivateNetwork=yes", "PrivateNetwork", "fatal", "no-network"),
        ("IPAddressDeny=any", "IPAddressDeny", "fatal", "no-network"),
        ("RestrictAddressFamilies=AF_UNIX", "RestrictAddressFamilies", "fatal", "no-network"),
        ("RestrictAddressFamilies=~AF_INET AF_INET6", "RestrictAddressFamilies", "fatal", "no-network"),
        ("RestrictAddressFamilies=none", "RestrictAddressFamilies", "fatal", "no-network"),
        ("RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "RestrictAddressFamilies", "advice", "no-network"),
        ("SocketBindDeny=any", "SocketBindDeny", "fatal", "no-network"),
        ("CPUQuota=80%\nEnvironment=LLAMA_ARG_THREADS=1", "CPUQuota", "advice", "quota-below-one-cpu"),
        ("CPUQuota=400%", "CPUQuota", "advice", "binding-without-threads"),
        ("NUMAPolicy=bind\nNUMAMask=0", "NUMAPolicy", "advice", "membind"),
    ],
)
def test_known_harms_are_named(lines, name, severity, code):
    """What takes GPU, memory, network or threads from a server is named with its place."""
    assert (2, name, severity, code) in short(look(lines))


@pytest.mark.parametrize(
    "lines",
    [
        "PrivateDevices=no",
        "DevicePolicy=closed\nDeviceAllow=char-nvidia* rw\nDeviceAllow=/dev/dri rw",
        "DeviceAllow=/dev/nvidia0 rw",
        "DevicePolicy=auto",
        "PrivateDevices=1\nSlice=a.slice\nEnvironment=CUDA_VISIBLE_DEVICES=-1 ROCR_VISIBLE_DEVICES=-1 OLLAMA_VULKAN=0",
        "IPAddressDeny=any\nIPAddressAllow=localhost 10.0.0.0/8",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
        "SystemCallFilter=@system-service\nSystemCallFilter=~@mount",
        "NoNewPrivileges=yes\nRestrictRealtime=yes\nLockPersonality=yes\nRestrictSUIDSGID=yes",
        "ProtectKernelTunables=yes\nProtectControlGroups=yes\nProtectHostname=yes\nProtectKernelLogs=yes",
        "MemorySwapMax=0\nTasksMax=infinity\nLimitNOFILE=65535\nMemoryMax=64G",
        "CPUQuota=400%\nEnvironment=LLAMA_ARG_THREADS=4",
        "NUMAPolicy=preferred\nNUMAMask=0",
        "NUMAPolicy=interleave\nNUMAMask=all",
        "X-Note=of our own",
        "ProtectProc=invisible",
    ],
)
def test_what_does_no_harm_has_no_finding(lines):
    """Hardening that a server of models can live with is left alone."""
    assert look(lines) == []


def test_what_is_around_a_unit_is_named():
    """Other starters, files in place of folders and another holder of the port have a place and a remedy."""
    others = [{"manager": "snap", "path": "/snap/bin/ollama"}]
    holders = [
        {"port": 11434, "pid": 7, "program": "ollama", "unit": unit}
        for unit in ("snap.ollama.service", "ollama.service")
    ]
    found = around(others, [f"{UNIT}.d"], [*holders, {"port": 11434, "pid": None, "program": None, "unit": None}])
    assert [(each.file, each.line, each.severity, each.code) for each in found] == [
        ("/snap/bin/ollama", 1, "advice", "other-unit"),
        (f"{UNIT}.d", 1, "inert", "not-a-folder"),
        ("/snap/bin/ollama", 1, "advice", "port-taken"),
    ]


STORE = "Environment=OLLAMA_MODELS="


@pytest.mark.parametrize(
    ("lines", "out_of_reach"),
    [
        (f"ProtectHome=yes\n{STORE}/home/m", True),
        (f"ProtectHome=tmpfs\n{STORE}/root/m", True),
        (f"ProtectHome=read-only\n{STORE}/home/m", True),
        (f"ProtectHome=Yess\n{STORE}/home/m", False),
        (f"ProtectSystem=strict\n{STORE}/srv/m", True),
        (f"ProtectSystem=strict\nReadWritePaths=/srv/m\n{STORE}/srv/m", False),
        (f"ProtectSystem=strict\nReadWritePaths=srv/m\n{STORE}/srv/m", True),
        (f"ProtectSystem=full\n{STORE}/usr/share/ollama/m", True),
        (f"InaccessiblePaths=/srv\n{STORE}/srv/m", True),
        (f"ReadOnlyPaths=/srv/m\n{STORE}/srv/m", True),
        (f"TemporaryFileSystem=/srv:ro\n{STORE}/srv/m", True),
        (f"TemporaryFileSystem=/srv\nBindPaths=/srv/m\n{STORE}/srv/m", False),
        (f"PrivateTmp=yes\n{STORE}/tmp/m", True),
        (f"PrivateTmp=no\n{STORE}/tmp/m", False),
        (f"DynamicUser=yes\n{STORE}/srv/m", True),
        (f"DynamicUser=yes\nStateDirectory=ollama\n{STORE}/var/lib/ollama/m", False),
    ],
)
def test_a_store_behind_the_sandbox_is_fatal(lines, out_of_reach):
    """As the sandbox that systemd makes of what it can read."""
    assert ("store-out-of-reach" in {each.code for each in look(lines)}) == out_of_reach


EXPECTED = {
    "14-protecthome-store": {("fatal", "OLLAMA_MODELS", "store-out-of-reach")},
    "18-line-that-is-no-directive": {
        ("inert", "OLLAMA_MODELS", "ignored-line"),
        ("inert", "Enviroment", "ignored-line"),
    },
    "19-values-systemd-cannot-read": {
        ("inert", name, "ignored-line")
        for name in ("Restart", "LimitMEMLOCK", "CPUAffinity", "OOMScoreAdjust", "MemoryMax")
    },
    "21-environment-file-comment": {
        ("inert", "OLLAMA_HOST", "ignored-line"),
        ("fatal", "OLLAMA_MODELS", "comment-in-value"),
    },
    "22-environment-file-missing": {("fatal", "EnvironmentFile", "environment-file-missing")},
    "23-template-by-hand": {("fatal", "ExecStart", "option")},
    "28-cpuquota-without-threads": {
        ("advice", "CPUQuota", "binding-without-threads"),
        ("advice", "NUMAPolicy", "membind"),
    },
    "29-directives-that-hide-the-gpu": {
        ("advice", "PrivateDevices", "hides-gpu"),
        ("advice", "DevicePolicy", "hides-gpu"),
        ("advice", "MemoryDenyWriteExecute", "stops-runner"),
        ("advice", "CPUQuota", "quota-below-one-cpu"),
        ("advice", "CPUQuota", "binding-without-threads"),
    },
    "37-variables-inside-sh-c": {
        ("inert", "OLLAMA_NUM_THREADS", "never"),
        ("fatal", "OLLAMA_KEEP_ALIVE", "malformed"),
        ("advice", "ExecStart", "membind"),
    },
}


@reported.needs_reports
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_reported_units_have_their_findings(name):
    """The units of public reports, and nothing but what is wrong with them."""
    root = reported.folder(name) / "root"
    files = {
        f"/{path.relative_to(root)}": path.read_text(encoding="utf-8") for path in root.rglob("*") if path.is_file()
    }
    units = [(path, text) for path, text in files.items() if ".service" in path]
    others = [(path, text) for path, text in files.items() if ".service" not in path]
    service = read_service(units, others)
    named = [setting.value for setting in service.values("EnvironmentFile")]
    missing = {path: "the file does not exist" for path in named if path not in files}
    assert {(each.severity, each.name, each.code) for each in lint_unit(service, NEW, missing)} == EXPECTED[name]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("Environment=OLLAMA_HOST=0.0.0.0", True),
        ("Environment=OLLAMA_HOST=:8080", True),
        ("Environment=OLLAMA_HOST=gpu.example.org", True),
        ("Environment=OLLAMA_HOST=127.0.0.1:8080", False),
        ("Environment=OLLAMA_HOST=0.0.0.0\nIPAddressDeny=any\nIPAddressAllow=localhost 10.0.0.0/8", False),
        ("Environment=OLLAMA_HOST=0.0.0.0\n[Unit]\nX-OllamaExposure=gateway", False),
    ],
)
def test_an_address_that_other_hosts_reach_is_named(lines, found):
    """Unless the unit itself closes it, or a line says what does."""
    assert ((2, "OLLAMA_HOST", "advice", "exposed") in short(look(lines))) is found
