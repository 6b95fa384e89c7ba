# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units are read as the systemd of a running host reads them: 2,000 generated ones with lines of every kind."""

from __future__ import annotations

import base64
import io
import tarfile

import pytest

from ansible_collections.inference.ollama.tests.unit.support.unit_texts import FOLDER, answers, differences, generate

pytestmark = pytest.mark.on(position=[0])

# What systemctl shows takes 20 ms for each unit, what systemd-analyze says one.
SHOWN = 100
VERIFY = "systemd-analyze verify --man=no {folder}/gen*.service 2>&1 >/dev/null; true"
SHOW = "systemctl daemon-reload; systemctl show --property=Id,Environment {names}; true"


def pack(units):
    """The units as a tar archive that a shell can be handed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in units.items():
            data = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def planted(host):
    """A function that writes units where systemd looks for them; they are gone afterwards."""

    def plant(units):
        host.check_output(f"rm -f {FOLDER}/gen*.service")
        host.check_output(f"echo {pack(units)} | base64 --decode | tar --extract --gzip --directory={FOLDER}")

    yield plant
    host.check_output(f"rm -f {FOLDER}/gen*.service; systemctl daemon-reload")


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_systemd_and_lint_pass_over_the_same_lines(host, planted, seed):
    """The same lines are lost, the same units refused, and what is left has the same variables."""
    units = generate(seed, 500)
    planted(units)
    verified = host.check_output(VERIFY.format(folder=FOLDER))
    shown = host.check_output(SHOW.format(names=" ".join(list(units)[:SHOWN])))
    said = answers(verified, shown)
    assert len(said) > 300
    assert sum("shown" in each for each in said.values()) == SHOWN
    wrong = {name: found for name, text in units.items() if (found := differences(name, text, said.get(name, {})))}
    assert wrong == {}
