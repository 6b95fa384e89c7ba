# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plant secrets in the role's variables, run every playbook, well and badly, and look for them in all that is left.

``python tests/tools/planted_secrets.py FOLDER`` runs on this machine, below a staging folder in FOLDER. Output with
-vvv, differences, the cache of facts, the log, plans, reports, captures and temporary files stay in FOLDER and are
searched for each secret, in plain text, in base64 and as a digest. Ends with 1 and a line for each place.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "playbooks/inventory/localhost.yml"
# Where they belong.
HOLDER = "root/etc/ollama/secrets.env"
OK, FAILED = 0, 2


class Run(NamedTuple):
    """Playbooks of one command, how it ends, and the variables besides those that are planted."""

    name: str
    playbooks: tuple[str, ...]
    code: int
    variables: dict[str, Any]
    check: bool = False
    locked: bool = False


class Planted:
    """Secrets that no other text has, and the variables that hold them."""

    def __init__(self) -> None:
        self.by_name = {name: secrets.token_hex(9) for name in ("key", "proxy", "word", "vaulted", "denied", "source")}
        self.password = secrets.token_hex(8)

    def variables(self, vaulted: str) -> str:
        """The text of the file of variables."""
        named = self.by_name
        held = {
            "HTTPS_PROXY": f"http://me:{named['proxy']}@proxy.example.org:3128",
            "HOUSE_WORD": named["word"],
        }
        made: dict[str, Any] = {"ollama_api_key": named["key"]}
        lines = "\n    ".join(line.strip() for line in vaulted.splitlines())
        text = yaml.safe_dump({**made, "ollama_secret_environment": held}, sort_keys=False)
        return f"{text}  VAULTED: !vault |\n    {lines}\n"

    def needles(self) -> Iterator[tuple[str, bytes]]:
        """Name and form of each, as it could be found."""
        for name, secret in self.by_name.items():
            data = secret.encode()
            yield name, data
            yield f"{name} in base64", base64.b64encode(data).rstrip(b"=")[:-1]
            yield f"{name} as a digest", hashlib.sha256(data).hexdigest().encode()


def runs(denied: str, password: str) -> Iterator[Run]:
    """Every playbook, and the ways in which a run can fail."""
    yield Run("site", ("site",), OK, {})
    yield Run("readers", ("plan", "report", "capture"), OK, {})
    yield Run("changed", ("site",), OK, {"ollama_secrets_method": "file", "ollama_keep_alive": "7m"})
    wrong = {
        "ollama_environment": {"HF_TOKEN": denied, "HTTP_PROXY": f"http://u:{denied}@h"},
        "ollama_secret_environment": {"A": [denied], "B": f"{denied}\nC=1", f"D-{denied}": "x"},
    }
    yield Run("refused", ("site",), FAILED, wrong)
    yield Run("locked", ("site",), FAILED, {}, locked=True)
    # The others end where there is no service; molecule/boxes/jobs/planted.yml runs them on a host that has one.
    yield Run("remove", ("remove",), OK, {"ollama_staging_root": ""}, check=True)
    mirror = {"ollama_install_source": f"http://me:{password}@127.0.0.1:9/ollama"}
    # A mirror with a password is refused, where Ollama is installed and where it is not.
    yield Run("mirror", ("site",), FAILED, mirror)
    installing = {**mirror, "ollama_install": True, "ollama_staging_root": ""}
    yield Run("installing", ("site",), FAILED, installing, check=True)
    # Last, since the file of secrets cannot be written any more.
    yield Run("unwritable", ("site",), FAILED, {"ollama_secrets_path": "/etc/ollama/secrets.env/below"})


def command(run: Run, folder: Path, private: Path, variables: Path) -> list[str]:
    """The command line of a run."""
    own = private / f"{run.name}.json"
    settings = {
        "ollama_staging_root": str(folder / "root"),
        "ollama_plan_folder": str(folder / "plans"),
        "ollama_report_path": str(folder / "report/ollama.html"),
        "ollama_capture_folder": str(folder / "captures"),
        "ansible_become": False,
        "ollama_benchmark_model": "m",
        "ollama_tune_model": "m",
    }
    own.write_text(yaml.safe_dump({**settings, **run.variables}))
    playbooks = [str(ROOT / f"playbooks/{name}.yml") for name in run.playbooks]
    vault = [] if run.locked else ["--vault-password-file", str(private / "password")]
    options = ["-vvv", "--diff", *(["--check"] if run.check else []), *vault]
    return ["ansible-playbook", "-i", str(INVENTORY), *options, "-e", f"@{variables}", "-e", f"@{own}", *playbooks]


def everything(folder: Path, planted: Planted) -> Iterator[str]:
    """Yield a line for each run that did not end as it should, and for each place with a secret."""
    needles = list(planted.needles())
    with tempfile.TemporaryDirectory() as name:
        private = Path(name)
        (private / "password").write_text(planted.password)
        vaulted = subprocess.run(
            ["ansible-vault", "encrypt", "--vault-password-file", str(private / "password"), "--output", "-"],
            input=planted.by_name["vaulted"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        variables = private / "variables.yml"
        variables.write_text(planted.variables(vaulted))
        environment = {
            **os.environ,
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_REMOTE_TMP": str(folder / "tmp"),
            "TMPDIR": str(folder / "tmp"),
        }
        for run in runs(planted.by_name["denied"], planted.by_name["source"]):
            with (folder / f"{run.name}.txt").open("wb") as output:
                argv = command(run, folder, private, variables)
                code = subprocess.run(
                    argv, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
                ).returncode
            if (code == OK) is not (run.code == OK):
                yield f"{run.name}: it ended with {code}, see {folder / run.name}.txt"
            yield from found_in(folder, needles, run.name)
            if run.name == "changed":
                yield from wrong_holder(folder / HOLDER, planted)


def found_in(folder: Path, needles: list[tuple[str, bytes]], when: str) -> Iterator[str]:
    """Yield each place below the folder that has a secret and should not; reported after each run."""
    for path in sorted(
        path for path in folder.rglob("*") if path.is_file() and str(path.relative_to(folder)) != HOLDER
    ):
        data = path.read_bytes()
        names = [name for name, needle in needles if needle in data]
        if names:
            yield f"after {when}: {path} has {', '.join(names)}"


def wrong_holder(path: Path, planted: Planted) -> Iterator[str]:
    """Yield what is wrong with the file that has the secrets."""
    if not path.is_file():
        yield f"{path} was not written"
        return
    text, mode = path.read_text(), path.stat().st_mode & 0o777
    missing = [name for name in ("key", "proxy", "word", "vaulted") if planted.by_name[name] not in text]
    if missing:
        yield f"{path} lacks {', '.join(missing)}"
    if mode != 0o600:
        yield f"{path} has mode {mode:04o}, and should have 0600"


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    count = 0
    for line in everything(folder, Planted()):
        count += 1
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    if not count:
        sys.stdout.write(f"no secret is anywhere below {folder} but in {HOLDER}\n")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
