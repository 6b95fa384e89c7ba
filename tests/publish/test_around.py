# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others build and run of the collection: execution environment, continuous integration, job templates of AWX."""

from __future__ import annotations

import re
import shutil

import pytest
import yaml

from ansible_collections.inference.ollama.tests.publish.releases import ROOT, TOOLS, run

GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
ENVIRONMENT = yaml.safe_load((ROOT / "execution-environment.yml").read_text())
ARTEFACT = f"inference-ollama-{GALAXY['version']}.tar.gz"
# The arguments of awx.awx 24 that a job template and a credential type take (awx_collection/plugins/modules).
ARGUMENTS = {
    "awx.awx.credential_type": {"name", "description", "kind", "inputs", "injectors"},
    "awx.awx.job_template": {
        *("name", "description", "job_type", "organization", "inventory", "project", "playbook", "credentials"),
        *("execution_environment", "become_enabled", "survey_enabled", "survey_spec", "ask_limit_on_launch"),
        *("ask_job_type_on_launch", "ask_diff_mode_on_launch", "ask_tags_on_launch", "ask_variables_on_launch"),
    },
}


@pytest.fixture(scope="session")
def context(release, tmp_path_factory):
    """The folder from which an engine would build the execution environment."""
    folder = tmp_path_factory.mktemp("environment")
    shutil.copy(ROOT / "execution-environment.yml", folder)
    (folder / "build/release").mkdir(parents=True)
    shutil.copy(release[".gz"], folder / "build/release")
    # With a docker on PATH the file would be named Dockerfile.
    words = ("--output-filename", "Containerfile", "--context", folder / "context")
    run(TOOLS / "ansible-builder", "create", *words, cwd=folder)
    return folder / "context"


def test_the_execution_environment_has_the_collection_of_this_release(context, release):
    """ansible-builder takes the definition; the file is in the context, under the name from which it is installed."""
    (wanted,) = yaml.safe_load((context / "_build/requirements.yml").read_text())["collections"]
    assert wanted["type"] == "file"
    # The stage galaxy works in the folder to which the context's _build is copied.
    assert "WORKDIR /build" in (context / "Containerfile").read_text()
    assert (context / "_build" / wanted["name"]).read_bytes() == release[".gz"].read_bytes()


def test_the_execution_environment_has_versions_that_are_tested(context):
    """The artefact is the one of galaxy.yml, and ansible-core one that the tests install."""
    assert ENVIRONMENT["additional_build_files"][0]["src"] == f"build/release/{ARTEFACT}"
    assert ENVIRONMENT["dependencies"]["ansible_core"]["package_pip"] in (ROOT / "requirements/site.txt").read_text()
    assert ENVIRONMENT["dependencies"]["ansible_core"]["package_pip"] in (context / "Containerfile").read_text()


def test_what_the_collection_asks_of_an_execution_environment_can_be_read():
    """ansible-builder finds both files that meta/execution-environment.yml names, and what they ask for."""
    introspect = TOOLS.parent / "lib"
    (script,) = introspect.glob("python3*/site-packages/ansible_builder/_target_scripts/introspect.py")
    found = yaml.safe_load(run(TOOLS / "python", script, "introspect", ROOT / "build/collections"))
    assert any("nvidia-ml-py" in line for line in str(found).split(","))
    assert "numactl" in str(found)


@pytest.mark.parametrize(("name", "schema"), [("github", "github-workflows"), ("gitlab", "gitlab-ci")])
def test_an_example_of_continuous_integration_is_valid_and_runs_all_tests(name, schema):
    """The public schema of the service takes it, and its job is the command of the README with CI=true."""
    path = ROOT / ".ci" / f"{name}.yml"
    run(TOOLS / "python", "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", path)
    assert re.search(r"(?m)\.ci/run$", path.read_text())
    assert "make test" in (ROOT / ".ci/run").read_text()


def test_a_wrong_example_of_continuous_integration_is_refused(tmp_path):
    """The schema is looked at: a job without steps is an error."""
    workflow = yaml.safe_load((ROOT / ".ci/github.yml").read_text())
    workflow["jobs"]["test"] = {"runs-on": "ubuntu-24.04", "stepps": []}
    (tmp_path / "wrong.yml").write_text(yaml.safe_dump(workflow))
    schema = ("--builtin-schema", "vendor.github-workflows")
    assert "stepps" in run(TOOLS / "python", "-m", "check_jsonschema", *schema, tmp_path / "wrong.yml", code=1)


def test_the_playbook_for_awx_names_arguments_and_data_that_are_there():
    """The documented playbook gives modules what they know, and reads what is generated."""
    text = (ROOT / "docs/awx.md").read_text()
    (block,) = (part for part in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "hosts: localhost" in part)
    (play,) = yaml.safe_load(block)
    tasks = {module: task[module] for task in play["tasks"] for module in task if module.startswith("awx.")}
    assert {module: set(values) <= ARGUMENTS[module] for module, values in tasks.items()} == dict.fromkeys(
        ARGUMENTS, True
    )
    data = (ROOT / "extensions/awx/job_templates.yml").read_text()
    for name in re.findall(r"\bollama_awx_\w+", text):
        assert re.search(rf"(?m)^{name}:", data), name
    for key in re.findall(r"\bitem\.(\w+)", block):
        assert re.search(rf"(?m)^(  - |    ){key}:", data), key
