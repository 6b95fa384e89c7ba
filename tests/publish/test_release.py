# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make dist`` builds: the same bytes twice, a signature that ansible-galaxy verifies, a bill of materials."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml

from ansible_collections.inference.ollama.tests.publish.releases import EPOCH, ROOT, TOOLS, build, run

VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]


class Server(BaseHTTPRequestHandler):
    """A Galaxy server (API v3) with one artefact, ``artefact`` of the server, that has no signatures of its own."""

    def do_GET(self):
        artefact = self.server.artefact
        collection = "/api/v3/collections/inference/ollama/"
        base = f"{collection}versions/"
        about = {
            "href": f"{base}{VERSION}/",
            "namespace": {"name": "inference"},
            "collection": {"name": "ollama"},
            "version": VERSION,
            "download_url": f"http://127.0.0.1:{self.server.server_port}/{artefact.name}",
            "artifact": {"sha256": hashlib.sha256(artefact.read_bytes()).hexdigest()},
            "metadata": {"dependencies": {}},
            "signatures": [],
        }
        answers = {
            "/api/": {"available_versions": {"v3": "v3/"}},
            collection: {"created_at": "2026-12-01T00:00:00Z", "updated_at": "2026-12-01T00:00:00Z"},
            base: {
                "data": [{"version": VERSION, "href": about["href"]}],
                "meta": {"count": 1},
                "links": {"next": None},
            },
            about["href"]: about,
        }
        path = self.path.partition("?")[0]
        body = artefact.read_bytes() if path == f"/{artefact.name}" else json.dumps(answers.get(path)).encode()
        self.send_response(200 if body != b"null" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        """Print nothing."""


@pytest.fixture(scope="session")
def galaxy():
    """A server that gives the artefact that its attribute names."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ansible_galaxy(*words, folder, key, code=0):
    """What ansible-galaxy says that has nothing but a folder of collections and a keyring."""
    configuration = folder.parent / "ansible.cfg"
    # A configuration of this machine may turn the verification off.
    configuration.write_text(f"[galaxy]\ncache_dir = {folder.parent}\ntoken_path = {folder.parent}/token\n")
    environment = {
        "GNUPGHOME": str(key),
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
    }
    return run(TOOLS / "ansible-galaxy", "collection", *words, code=code, env=environment, cwd=folder.parent)


def install(galaxy, signature, key, folder, code=0):
    """What ansible-galaxy says where it installs from a server an artefact whose signature it is to verify."""
    source = ("-s", f"http://127.0.0.1:{galaxy.server_port}/api/", f"inference.ollama:{VERSION}")
    signed = ("--signature", signature.as_uri()) if signature else ()
    keyring = ("--keyring", key / "ring.gpg", "--required-valid-signature-count", "+all")
    return ansible_galaxy("install", "-p", folder, *source, *signed, *keyring, folder=folder, key=key, code=code)


def verified(artefact, signature, key, code=0):
    """What gpg says of the signature of the manifest in an artefact."""
    with tarfile.open(artefact) as tar:
        manifest = tar.extractfile("MANIFEST.json").read().decode()
    ring = ("--no-default-keyring", "--keyring", key / "ring.gpg")
    return run("gpg", *ring, "--verify", signature, "-", input=manifest, code=code, env={"GNUPGHOME": str(key)})


def changed(artefact, folder, change):
    """A copy of an artefact in which a function has changed the contents of the files, by name."""
    with tarfile.open(artefact) as tar:
        folders = [member for member in tar.getmembers() if member.isdir()]
        files = {member.name: tar.extractfile(member).read() for member in tar.getmembers() if member.isreg()}
    change(files)
    copy = folder / artefact.name
    with tarfile.open(copy, "w:gz") as tar:
        for member in folders:
            tar.addfile(member)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return copy


def rewrite(files):
    """Change a file, and both manifests so that they name its new checksum."""
    files["roles/ollama/tasks/main.yml"] += b"# changed\n"
    entries = json.loads(files["FILES.json"])
    for entry in entries["files"]:
        if entry["name"] == "roles/ollama/tasks/main.yml":
            entry["chksum_sha256"] = hashlib.sha256(files[entry["name"]]).hexdigest()
    files["FILES.json"] = json.dumps(entries).encode()
    manifest = json.loads(files["MANIFEST.json"])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(files["FILES.json"]).hexdigest()
    files["MANIFEST.json"] = json.dumps(manifest).encode()


def append(files):
    """Change a file alone."""
    files["roles/ollama/tasks/main.yml"] += b"# changed\n"


def test_the_same_files_make_the_same_bytes(release, tmp_path):
    """A second build, without the key and in another folder, is that of before, and no time of today is in it."""
    again = build(tmp_path)
    assert again[".gz"].read_bytes() == release[".gz"].read_bytes()
    assert again[".json"].read_bytes() == release[".json"].read_bytes()
    with tarfile.open(release[".gz"]) as tar:
        assert {(member.mtime, member.uid, member.uname) for member in tar.getmembers()} == {(EPOCH, 0, "")}
    with gzip.open(release[".gz"]) as packed:
        packed.peek(1)
        assert packed.mtime == EPOCH


def test_checksums_name_all_that_is_released(release):
    """sha256sum -c takes the file, which names the artefact, its bill and its signature."""
    said = run("sha256sum", "-c", release[".sha256"].name, cwd=release[".sha256"].parent)
    assert {line.partition(":")[0] for line in said.splitlines()} == {
        release[kind].name for kind in (".gz", ".json", ".asc")
    }


def test_a_signed_artefact_is_installed_from_a_server(galaxy, release, key, tmp_path):
    """ansible-galaxy finds the signature good, and finds what was changed on the disk after that."""
    galaxy.artefact = release[".gz"]
    folder = tmp_path / "installed"
    assert "was installed successfully" in install(galaxy, release[".asc"], key, folder)
    words = ("verify", "--offline", "inference.ollama", "--signature", release[".asc"].as_uri())
    keyring = ("--keyring", key / "ring.gpg", "--required-valid-signature-count", "+all")
    ansible_galaxy(*words, *keyring, folder=folder, key=key)
    with (folder / "ansible_collections/inference/ollama/roles/ollama/tasks/main.yml").open("a") as file:
        file.write("# changed\n")
    assert "roles/ollama/tasks/main.yml" in ansible_galaxy(*words, *keyring, folder=folder, key=key, code=1)


@pytest.mark.parametrize("fault", ["changed", "unsigned", "unknown key"])
def test_an_artefact_that_is_not_the_signed_one_is_not_installed(galaxy, release, key, tmp_path, fault):
    """Manifests that were changed to fit, no signature at all, and one of a key that the keyring lacks."""
    galaxy.artefact = changed(release[".gz"], tmp_path, rewrite) if fault == "changed" else release[".gz"]
    if fault == "unknown key":
        key = tmp_path / "gnupg"
        key.mkdir(mode=0o700)
        (key / "ring.gpg").touch()
    signature = None if fault == "unsigned" else release[".asc"]
    said = install(galaxy, signature, key, tmp_path / "installed", code=1)
    assert "GnuPG signature verification failed" in said
    assert not (tmp_path / "installed/ansible_collections/inference/ollama/roles").exists()


def test_a_file_is_verified_before_it_is_installed(release, key, tmp_path):
    """Of a file ansible-galaxy takes no signature: gpg verifies that of its manifest, and the manifest its files."""
    assert "Good signature" in verified(release[".gz"], release[".asc"], key)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert "BAD signature" in verified(changed(release[".gz"], tmp_path / "a", rewrite), release[".asc"], key, code=1)
    copy = changed(release[".gz"], tmp_path / "b", append)
    assert "Good signature" in verified(copy, release[".asc"], key)
    folder = tmp_path / "installed"
    said = ansible_galaxy("install", "--offline", "-p", folder, copy, folder=folder, key=key, code=1)
    assert "Checksum mismatch" in " ".join(said.split()), said


def test_the_bill_names_every_file_with_its_checksum(release):
    """The bill is that of this artefact: its SHA-256, its files, its licence, and what it needs."""
    bill = json.loads(release[".json"].read_text())
    whole = bill["metadata"]["component"]
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert whole["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(release[".gz"].read_bytes()).hexdigest()}]
    assert whole["version"] == VERSION
    assert whole["licenses"][0]["license"]["id"] == "GPL-3.0-or-later"
    with tarfile.open(release[".gz"]) as tar:
        there = {
            member.name: hashlib.sha256(tar.extractfile(member).read()).hexdigest()
            for member in tar.getmembers()
            if member.isreg()
        }
    assert {part["name"]: part["hashes"][0]["content"] for part in whole["components"]} == there
    (core,) = bill["components"]
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    assert core["purl"] == "pkg:pypi/ansible-core"
    assert core["properties"][0]["value"] == runtime["requires_ansible"]


@pytest.mark.parametrize("name", ["README.md", "extra.txt"])
def test_no_bill_is_made_of_an_artefact_that_differs_from_its_manifests(release, tmp_path, name):
    """A bill is a statement about bytes, so a changed file or one that is not named ends it."""
    copy = changed(release[".gz"], tmp_path, lambda files: files.update({name: b"changed"}))
    said = run(TOOLS / "python", "tests/tools/sbom.py", copy, tmp_path / "bill.json", code=1)
    assert f"the artefact is not what its manifests name: {name}" in said
    assert not (tmp_path / "bill.json").exists()


def test_every_file_has_the_licence_of_the_bill():
    """No file of the artefact declares another licence than the one that the bill has for all."""
    shipped = ("plugins", "roles", "playbooks", "extensions")
    found = run("git", "grep", "-hoE", "SPDX-License-Identifier: .*", "--", *shipped)
    assert set(found.splitlines()) == {"SPDX-License-Identifier: GPL-3.0-or-later"}


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """A copy of the files that a release of the changelog changes."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("changelogs", "plugins", "playbooks", "roles", "meta"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "galaxy.yml", folder)
    return folder


def test_the_changelog_of_a_release_can_be_made(clone):
    """Every fragment of today is in the page of a release, and used up."""
    fragments = [yaml.safe_load(path.read_text()) for path in sorted((clone / "changelogs/fragments").glob("*.yml"))]
    run(TOOLS / "antsibull-changelog", "release", "--version", "99.0.0", "--date", "2026-12-01", cwd=clone)
    assert list((clone / "changelogs/fragments").glob("*.yml")) == []
    page = " ".join((clone / "CHANGELOG.md").read_text().split())
    data = yaml.safe_load((clone / "changelogs/changelog.yaml").read_text())["releases"]["99.0.0"]["changes"]
    written = [entry for fragment in fragments for part in fragment.values() for entry in part]
    assert sorted(entry for part in data.values() for entry in part) == sorted(written)
    assert "## v99\\.0\\.0" in page
    run(TOOLS / "antsibull-changelog", "lint", cwd=clone)
