# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the software bill of materials of a built collection: ``sbom.py ARTEFACT FILE``.

FILE is JSON of CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/): the collection with its SHA-256 and licence, each
file of the artefact with its SHA-256 as MANIFEST.json and FILES.json have it, what the collection needs, ansible-core
and the collections that galaxy.yml names. Everything comes from the artefact; a file whose bytes are not those that its
manifest names ends it. The same artefact makes the same bill, so its time is that of the archive's files and its serial
number follows from the artefact's SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
import uuid
from datetime import datetime, timezone
from pathlib import Path

import yaml
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.contact import OrganizationalContact
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
from packageurl import PackageURL

LICENCE = "GPL-3.0-or-later"
PREFIX = "inference.ollama"


def contents(artefact: Path) -> tuple[dict[str, bytes], datetime]:
    """Return the regular files of an artefact by name, and the time of its manifest."""
    with tarfile.open(artefact) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar.getmembers() if member.isreg()}
        return files, datetime.fromtimestamp(tar.getmember("MANIFEST.json").mtime, timezone.utc)


def listed(files: dict[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file as the manifests name it; a file that is not as they say ends the program."""
    chain = json.loads(files["MANIFEST.json"])["file_manifest_file"]
    sums = {chain["name"]: chain["chksum_sha256"]}
    for entry in json.loads(files["FILES.json"])["files"]:
        if entry["ftype"] == "file":
            sums[entry["name"]] = entry["chksum_sha256"]
    sums["MANIFEST.json"] = hashlib.sha256(files["MANIFEST.json"]).hexdigest()
    wrong = sorted(sums.keys() ^ files.keys())
    wrong += [name for name in files if name in sums and hashlib.sha256(files[name]).hexdigest() != sums[name]]
    if wrong:
        raise SystemExit(f"the artefact is not what its manifests name: {', '.join(wrong)}")
    return dict(sorted(sums.items()))


def licence() -> DisjunctiveLicense:
    """Return the licence that every file declares or has from LICENSE."""
    return DisjunctiveLicense(id=LICENCE, acknowledgement=LicenseAcknowledgement.DECLARED)


def needed(info: dict, files: dict[str, bytes]) -> list[Component]:
    """Return what the collection needs to run, with the range of versions that it takes."""
    runtime = yaml.safe_load(files["meta/runtime.yml"])
    wanted = [("ansible-core", runtime["requires_ansible"], PackageURL("pypi", None, "ansible-core"))]
    wanted += [(name, span, PackageURL("generic", None, name)) for name, span in sorted(info["dependencies"].items())]
    return [
        Component(
            name=name,
            type=ComponentType.FRAMEWORK if name == "ansible-core" else ComponentType.LIBRARY,
            purl=purl,
            bom_ref=purl.to_string(),
            scope=ComponentScope.REQUIRED,
            properties=[Property(name=f"{PREFIX}:versions", value=span)],
        )
        for name, span, purl in wanted
    ]


def bill(artefact: Path) -> Bom:
    """Return the bill of materials of a built collection."""
    files, moment = contents(artefact)
    info = json.loads(files["MANIFEST.json"])["collection_info"]
    if info["license_file"] != "LICENSE" or b"GNU GENERAL PUBLIC LICENSE" not in files["LICENSE"]:
        raise SystemExit(f"the licence is not the one that this program writes, {LICENCE}")
    digest = hashlib.sha256(artefact.read_bytes()).hexdigest()
    name = f"{info['namespace']}.{info['name']}"
    whole = Component(
        name=name,
        version=info["version"],
        type=ComponentType.LIBRARY,
        purl=PackageURL("generic", info["namespace"], info["name"], info["version"]),
        bom_ref=f"{name}@{info['version']}",
        description=info["description"],
        authors=[OrganizationalContact(name=author) for author in info["authors"]],
        licenses=[licence()],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        external_references=[
            ExternalReference(type=kind, url=XsUri(info[field]))
            for kind, field in (
                (ExternalReferenceType.VCS, "repository"),
                (ExternalReferenceType.WEBSITE, "homepage"),
                (ExternalReferenceType.DOCUMENTATION, "documentation"),
                (ExternalReferenceType.ISSUE_TRACKER, "issues"),
            )
        ],
    )
    parts = [
        Component(
            name=path,
            type=ComponentType.FILE,
            bom_ref=f"file:{path}",
            licenses=[licence()],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)],
        )
        for path, checksum in listed(files).items()
    ]
    whole.components = parts
    requirements = needed(info, files)
    result = Bom(components=requirements, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{digest}"))
    result.metadata.timestamp = moment
    result.metadata.component = whole
    result.register_dependency(whole, requirements)
    return result


def main(artefact: str, target: str) -> str | None:
    """Write the bill; return what is wrong with it, for sys.exit."""
    text = JsonV1Dot6(bill(Path(artefact))).output_as_string(indent=1)
    fault = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6).validate_str(text)
    if fault:
        return f"the bill is no CycloneDX 1.6: {fault}"
    Path(target).write_text(f"{text}\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
