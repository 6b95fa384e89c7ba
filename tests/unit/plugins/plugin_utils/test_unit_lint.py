# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a unit that somebody has set up (_unit_lint.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.inference.ollama.plugins.module_utils._systemd.service import read_service
from ansible_collections.inference.ollama.plugins.plugin_utils._contract import load
from ansible_collections.inference.ollama.plugins.plugin_utils._lint import SEVERITIES
from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release
from ansible_collections.inference.ollama.plugins.plugin_utils._unit_lint import UNIT_CODES, lint_unit
from ansible_collections.inference.ollama.tests.unit.support import reported
from ansible_collections.inference.ollama.tests.unit.support.releases import releases

UNIT = "/etc/systemd/system/ollama.service"
DROPIN = f"{UNIT}.d/override.conf"
SECRETS = "/etc/ollama/secrets.env"
COMMAND = "ExecStart=/usr/local/bin/ollama serve\n"
NEW, OLD = "0.34.1", "0.24.0"


def look(dropin, secrets="", release=NEW, unit=COMMAND):
    service = read_service([(UNIT, f"[Service]\n{unit}"), (DROPIN, f"[Service]\n{dropin}")], [(SECRETS, secrets)])
    return lint_unit(service, parse_release(release) if release else None)


NO_CARDS = "CUDA_VISIBLE_DEVICES=-1 ROCR_VISIBLE_DEVICES=-1"


@pytest.mark.parametrize(
    ("dropin", "release", "expected"),
    [
        ("Environment=OLLAMA_KEEP_ALIVE=1h", NEW, []),
        ("Environment=OLLAMA_NUM_THREADS=14", NEW, [(2, "OLLAMA_NUM_THREADS", "inert", "never")]),
        ("\nEnvironment=OLLAMA_LLM_LIBRARY=cuda", NEW, [(3, "OLLAMA_LLM_LIBRARY", "fatal", "fatal-value")]),
        ("Environment=LLAMA_ARG_THREADS=14", OLD, [(2, "LLAMA_ARG_THREADS", "inert", "not-yet")]),
        (
            "Environment=OLLAMA_HOST=127.0.0.1:1\nEnvironment=OLLAMA_HOST=127.0.0.1:2",
            NEW,
            [(2, "OLLAMA_HOST", "advice", "set-twice")],
        ),
        ("Environment=OLLAMA_HOST=127.0.0.1:1\nEnvironment=\nEnvironment=OLLAMA_HOST=127.0.0.1:2", NEW, []),
        ("lost words", NEW, [(2, "", "inert", "ignored-line")]),
        ("[Install]\nEnvironment=OLLAMA_HOST=127.0.0.1:1", NEW, [(3, "Environment", "inert", "ignored-line")]),
        ("ExecStart=/opt/ollama serve", NEW, [(2, "ExecStart", "fatal", "two-commands")]),
        ("ExecStart=\nExecStart=/opt/ollama serve", NEW, []),
        ("Type=oneshot\nExecStart=/opt/ollama pull x", NEW, []),
        ("Environment=OLLAMA_MODELS=/srv/m\nProtectHome=yes", NEW, []),
        (
            "Environment=OLLAMA_MODELS=/home/m\nProtectHome=yes",
            NEW,
            [(2, "OLLAMA_MODELS", "fatal", "store-out-of-reach")],
        ),
        ("Environment=OLLAMA_MODELS=/home/m\nInaccessiblePaths=/home\nInaccessiblePaths=", NEW, []),
        ("LimitMEMLOCK=infinity", NEW, [(2, "LimitMEMLOCK", "advice", "unused-memlock")]),
        ("LimitMEMLOCK=infinity\nEnvironment=LLAMA_ARG_LOAD_MODE=mmap+mlock", NEW, []),
        ("LimitMEMLOCK=infinity\nEnvironment=LLAMA_ARG_MLOCK=1", "0.31.0", []),
        (
            "LimitMEMLOCK=infinity\nEnvironment=LLAMA_ARG_MLOCK=0",
            "0.31.0",
            [(2, "LimitMEMLOCK", "advice", "unused-memlock")],
        ),
        ("LimitMEMLOCK=infinity", "0.6.8", []),
        ("LimitMEMLOCK=infinity", None, [(2, "LimitMEMLOCK", "advice", "unused-memlock")]),
        ("CPUAffinity=14-27", NEW, [(2, "CPUAffinity", "advice", "binding-without-threads")]),
        ("AllowedCPUs=14-27", None, [(2, "AllowedCPUs", "advice", "binding-without-threads")]),
        ("AllowedCPUs=14-27", OLD, []),
        ("CPUAffinity=14-27\nEnvironment=LLAMA_ARG_THREADS=14", NEW, []),
        ("CPUAffinity=14-27\nCPUAffinity=", NEW, []),
        (
            "ExecStart=\nExecStart=-/usr/bin/numactl -N 1 /opt/ollama serve",
            NEW,
            [(3, "ExecStart", "advice", "binding-without-threads")],
        ),
        ("ExecStart=taskset -c 0-3 ollama serve", OLD, [(2, "ExecStart", "fatal", "two-commands")]),
        ("ExecStart=\nExecStart=taskset 3 ollama serve", NEW, [(3, "ExecStart", "advice", "binding-without-threads")]),
        ("ExecStart=\nExecStart=numactl --preferred=1 ollama serve", NEW, []),
        ("ExecStart=\nExecStart=numactl -m 1 ollama serve", NEW, [(3, "ExecStart", "advice", "membind")]),
        ("ExecStart=\nExecStart=numactl --membind=1 ollama serve", OLD, [(3, "ExecStart", "advice", "membind")]),
        (
            'ExecStart=\nExecStart="',
            NEW,
            [(2, "ExecStart", "fatal", "bad-setting"), (3, "ExecStart", "inert", "ignored-line")],
        ),
        ("CPUWeight=10000", NEW, [(2, "CPUWeight", "advice", "weight-inside-slice")]),
        ("CPUWeight=10000\nSlice=user.slice", NEW, [(2, "CPUWeight", "advice", "weight-inside-slice")]),
        ("CPUWeight=10000\nSlice=a-b.slice", NEW, [(2, "CPUWeight", "advice", "weight-inside-slice")]),
        (
            "CPUWeight=10000\nSlice=none",
            NEW,
            [(3, "Slice", "inert", "ignored-line"), (2, "CPUWeight", "advice", "weight-inside-slice")],
        ),
        ("CPUWeight=10000\nSlice=ollama.slice", NEW, []),
        ("CPUWeight=10000\nCPUWeight=", NEW, []),
        ("[Unit]\nSlice=ollama.slice", NEW, [(3, "Slice", "inert", "ignored-line")]),
        (f"Environment={NO_CARDS}", OLD, [(2, "CUDA_VISIBLE_DEVICES", "advice", "unprotected-cpus")]),
        (f"Environment={NO_CARDS}\nSlice=llm.slice", OLD, []),
        (f"Environment={NO_CARDS}\nCPUWeight=9", OLD, [(3, "CPUWeight", "advice", "weight-inside-slice")]),
        ("Environment=CUDA_VISIBLE_DEVICES=-1", OLD, []),
        ("Environment=ROCR_VISIBLE_DEVICES=-1", OLD, []),
        ("Environment=CUDA_VISIBLE_DEVICES=0", NEW, []),
    ],
)  # fmt: skip
def test_finding_on_a_dropin(dropin, release, expected):
    """Each kind of mistake has its code and its place, and what is fine has none."""
    found = look(dropin, release=release)
    assert {finding.file for finding in found} <= {DROPIN}
    assert [(finding.line, finding.name, finding.severity, finding.code) for finding in found] == expected


def test_who_wins_is_named():
    """And whether it says anything else."""
    found = look("Environment=OLLAMA_HOST=127.0.0.1:1", "OLLAMA_HOST=127.0.0.1:2\nOLLAMA_HOST=127.0.0.1:2")
    assert [(f"{finding.file}:{finding.line}", finding.message) for finding in found] == [
        (f"{SECRETS}:1", f"{SECRETS}:2 says the same later, and wins"),
        (f"{DROPIN}:2", f"{SECRETS}:2 says something else later, and wins"),
    ]
    (same,) = look("Environment=OLLAMA_HOST=127.0.0.1:1 OLLAMA_HOST=127.0.0.1:1")
    assert same.message == f"{DROPIN}:2 says the same later, and wins"


def test_worst_comes_first():
    """What stops the server is not below what could be nicer."""
    found = look("LimitMEMLOCK=infinity\nEnvironment=OLLAMA_NUM_THREADS=1 OLLAMA_KEEP_ALIVE=1d")
    assert [finding.severity for finding in found] == ["fatal", "inert", "advice"]


@pytest.mark.parametrize(
    ("name", "in_unit", "in_file"),
    [
        ("OLLAMA_API_KEY", [("fatal", "secret"), ("inert", "client-only")], [("advice", "client-only")]),
        ("HF_TOKEN", [("fatal", "secret")], []),
        ("LLAMA_API_KEY", [("fatal", "dangerous"), ("fatal", "secret")], [("fatal", "dangerous")]),
    ],
)
def test_a_secret_belongs_into_a_file(name, in_unit, in_file):
    """A unit's environment is for everybody to read; what breaks the runner does so from anywhere."""
    shown, kept = look(f"Environment={name}=hunter2"), look("", f"{name}=hunter2")
    assert [(finding.severity, finding.code) for finding in shown] == in_unit
    assert [(finding.severity, finding.code) for finding in kept] == in_file
    assert "hunter2" not in repr(shown + kept)


@pytest.mark.parametrize(
    ("release", "remedy"),
    [
        (NEW, "use ollama_num_threads, which sets LLAMA_ARG_THREADS"),
        (None, "use ollama_num_threads, which sets LLAMA_ARG_THREADS"),
        (OLD, "use ollama_num_threads"),
    ],
)
def test_remedy_names_what_a_unit_needs(release, remedy):
    """Whoever writes units by hand does not know the role's variables."""
    (found,) = look("Environment=OLLAMA_NUM_THREADS=14", release=release)
    assert found.remedy == remedy


WORDS = st.sampled_from(
    [*load().by_name, "HF_TOKEN", "1", "Environment", "ExecStart", "numactl -m", "[Unit]", "\\", '"']
)
LINES = st.lists(st.one_of(WORDS, st.sampled_from("= \n%'"), st.text(max_size=3)), max_size=12).map("".join)


@given(LINES, LINES, releases)
def test_any_unit_is_looked_at(dropin, secrets, release):
    """No text makes it fail, and each finding is complete."""
    for finding in look(f"{dropin}\nEnvironment=HF_TOKEN=hunter2{secrets}", secrets, release):
        assert finding.severity in SEVERITIES
        assert finding.code in UNIT_CODES
        assert finding.line > 0
        assert finding.message.strip()
        assert finding.remedy.strip()
        assert finding.name == "HF_TOKEN" or "hunter2" not in repr(finding)


@pytest.mark.parametrize(
    ("limits", "threads", "models", "found"),
    [
        ("CPUAffinity=0-13", 14, None, []),
        ("CPUAffinity=0-13", 15, None, ["threads-oversubscribed"]),
        ("CPUAffinity=0-13", 14, 3, ["threads-oversubscribed"]),
        ("CPUAffinity=0-13", 4, 3, []),
        ("CPUAffinity=0-13", 14, 0, []),
        ("CPUAffinity=0-6 8\nCPUAffinity=9,10", 11, None, ["threads-oversubscribed"]),
        ("CPUAffinity=0-6 8\nCPUAffinity=9,10", 10, None, []),
        ("CPUAffinity=0-13\nAllowedCPUs=7-20", 8, None, ["threads-oversubscribed"]),
        ("AllowedCPUs=0-3", 2, 2, []),
        ("CPUAffinity=numa", 512, None, []),
        ("CPUAffinity=0-13\nCPUAffinity=", 15, None, []),
        ("CPUQuota=400%", 4, None, []),
        ("CPUQuota=400%", 4, 2, ["threads-throttled"]),
        ("CPUQuota=450%", 5, None, ["threads-throttled"]),
        ("CPUQuota=50%", 1, None, []),
        ("CPUQuota=50%", 2, None, ["threads-throttled"]),
        ("CPUQuota=0%", 64, None, []),
        ("CPUQuota=", 64, None, []),
        ("CPUQuota=much", 64, None, []),
        ("CPUQuota=400%\nAllowedCPUs=0-1", 8, None, ["threads-oversubscribed", "threads-throttled"]),
        ("Nice=5", 64, 9, []),
    ],
)
def test_threads_that_the_unit_itself_has_no_cpus_for(limits, threads, models, found):
    """Threads of all models together fit the CPUs and the quota that stand beside them; without these none can say."""
    variables = f"Environment=LLAMA_ARG_THREADS={threads}"
    variables += "" if models is None else f" OLLAMA_MAX_LOADED_MODELS={models}"
    codes = sorted(finding.code for finding in look(f"{variables}\n{limits}"))
    assert [code for code in codes if code.startswith("threads-")] == found
    assert not [finding for finding in look(f"{variables}\n{limits}", release=OLD) if "threads-" in finding.code]


def test_threads_and_models_that_fit_are_in_the_remedy():
    """Either number alone brings the product under what there is."""
    settings = "Environment=LLAMA_ARG_THREADS=14 OLLAMA_MAX_LOADED_MODELS=3\nCPUAffinity=0-27"
    (finding,) = look(settings)
    assert (finding.file, finding.line, finding.name) == (DROPIN, 2, "LLAMA_ARG_THREADS")
    assert "3 models with 14 threads each are 42 compute threads on 28 CPUs" in finding.message
    assert finding.remedy == "set LLAMA_ARG_THREADS to 9, or OLLAMA_MAX_LOADED_MODELS to 2"


@pytest.mark.parametrize("cards", ["CUDA_VISIBLE_DEVICES=GPU-0", "CUDA_VISIBLE_DEVICES=-1", "ROCR_VISIBLE_DEVICES=0"])
def test_models_on_cards_do_not_share_threads(cards):
    """A server that speaks of cards may compute there, on those of another vendor too."""
    settings = f"Environment=LLAMA_ARG_THREADS=14 OLLAMA_MAX_LOADED_MODELS=3 {cards}\nCPUAffinity=0-27"
    assert not [finding for finding in look(settings) if finding.code == "threads-oversubscribed"]


@reported.needs_reports
def test_the_reported_proxy_in_small_letters_is_wrong():
    """Its value has no scheme, as little right as in capitals."""
    root = reported.folder("30-lower-case-proxy") / "root"
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    files = [(f"/{path.relative_to(root)}", path.read_text(encoding="utf-8")) for path in paths]
    service = read_service([each for each in files if each[0].endswith((".service", ".conf"))])
    found = lint_unit(service, parse_release("0.34.1"))
    assert [(each.name, each.severity) for each in found if each.name == "https_proxy"] == [("https_proxy", "fatal")]
