# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of modules and filters must be true: examples fit the spec, samples fit their types."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(ROOT.glob("plugins/modules/*.py"))
FILTERS = sorted(ROOT.glob("plugins/filter/*.py"))
TYPES = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "dict": dict,
    "list": list,
    "raw": object,
}


def module_docs(path: Path) -> dict:
    """DOCUMENTATION, EXAMPLES and RETURN of a module, parsed."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.targets[0].id: yaml.safe_load(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    }


def filter_docs(path: Path) -> dict:
    docs = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))
    docs["EXAMPLES"] = yaml.safe_load(docs["EXAMPLES"])
    return docs


def fields(entries: dict, where: str = ""):
    """Every documented field of a RETURN block with its path."""
    for name, entry in entries.items():
        yield f"{where}{name}", entry
        yield from fields(entry.get("contains", {}), f"{where}{name}.")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_examples_use_only_options_that_exist(path):
    """A user copies examples: every option in them is one of the module's, with an allowed value."""
    docs = module_docs(path)
    options = docs["DOCUMENTATION"].get("options", {})
    name = f"inference.ollama.{path.stem}"
    calls = [task[name] or {} for task in docs["EXAMPLES"] if name in task]
    assert calls
    for call in calls:
        for option, value in call.items():
            assert option in options
            assert "{{" in str(value) or isinstance(value, TYPES.get(options[option]["type"], str)), option
            assert value in options[option].get("choices", [value])


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if not (ROOT / "plugins/action" / path.name).exists()],
    ids=lambda path: path.stem,
)
def test_module_options_equal_the_argument_spec(path):
    """What is documented is what the module accepts: names, types, defaults, choices."""
    module = importlib.import_module(f"ansible_collections.inference.ollama.plugins.modules.{path.stem}")
    documented = module_docs(path)["DOCUMENTATION"].get("options", {})
    spec = module.argument_spec()
    assert set(documented) == set(spec)
    for name, option in spec.items():
        for key in ("type", "default", "choices", "elements", "required"):
            assert documented[name].get(key) == option.get(key), f"{name}.{key}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_return_samples_fit_their_types(path):
    """A sample shows the type that the text promises; every leaf has one."""
    for name, entry in fields(module_docs(path)["RETURN"]):
        assert entry.get("description"), name
        assert entry["type"] in TYPES, name
        if "contains" not in entry:
            assert "sample" in entry, name
        if entry.get("sample") is not None:
            assert isinstance(entry["sample"], TYPES[entry["type"]]), name


@pytest.mark.parametrize("path", FILTERS, ids=lambda path: path.stem)
def test_filter_file_and_documentation_name_the_same_filter(path):
    """One file holds one filter, documented under its own name beside it."""
    module = importlib.import_module(f"ansible_collections.inference.ollama.plugins.filter.{path.stem}")
    assert list(module.FilterModule().filters()) == [path.stem]
    assert filter_docs(path)["DOCUMENTATION"]["name"] == path.stem


@pytest.mark.parametrize("path", FILTERS, ids=lambda path: path.stem)
def test_filter_examples_are_templates_that_parse(path):
    """Every expression in an example is one that Ansible can read, and one of them calls the filter."""
    examples = filter_docs(path)["EXAMPLES"]
    texts = [text for task in examples for text in strings(task)]
    assert any(f"inference.ollama.{path.stem}" in text for text in texts)
    environment = Templar(loader=DataLoader()).environment
    for text in texts:
        assert environment.parse(text)


def strings(value):
    """Every text in a nested structure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
