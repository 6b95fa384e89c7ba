# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of modules and filters must be true: examples fit the spec, samples fit their types."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from jinja2 import nodes

from ansible_collections.inference.ollama.plugins.filter.ollama import FilterModule

ROOT = Path(__file__).resolve().parents[3]
MODULES = sorted(ROOT.glob("plugins/modules/*.py"))
FRAGMENTS = sorted(ROOT.glob("plugins/doc_fragments/*.py"))
FILTERS = sorted(ROOT.glob("plugins/filter/*.yml"))
FUNCTIONS = FilterModule().filters()
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
    docs = {
        node.targets[0].id: yaml.safe_load(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    }
    documentation = docs["DOCUMENTATION"]
    for name in documentation["extends_documentation_fragment"]:
        if name.startswith("inference.ollama."):
            fragment = fragment_docs(name.rpartition(".")[2])
            for key in ("options", "attributes"):
                documentation[key] = {**fragment.pop(key, {}), **documentation.get(key, {})}
            docs["DOCUMENTATION"] = documentation = {**fragment, **documentation}
    return docs


def fragment_docs(name: str) -> dict:
    """What a fragment adds to the documentation of a module, parsed."""
    module = importlib.import_module(f"ansible_collections.inference.ollama.plugins.doc_fragments.{name}")
    return yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)


def filter_docs(path: Path) -> dict:
    docs = yaml.safe_load(path.read_text(encoding="utf-8"))
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
    same_options(module_docs(path)["DOCUMENTATION"].get("options", {}), module.argument_spec())


def same_options(documented: dict, spec: dict) -> None:
    """Fail where documentation and specification of options, and of the options in these, differ."""
    assert set(documented) == set(spec)
    for name, option in spec.items():
        for key in ("type", "default", "choices", "elements", "required"):
            assert documented[name].get(key) == option.get(key), f"{name}.{key}"
        same_options(documented[name].get("suboptions", {}), option.get("options", {}))


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.stem)
def test_doc_fragments_describe_options_that_their_modules_share(path):
    """A fragment has one use: to describe once what at least two modules have, who then do not say it again."""
    every = {module: module_docs(module)["DOCUMENTATION"] for module in MODULES}
    name = f"inference.ollama.{path.stem}"
    users = [module for module, docs in every.items() if name in docs["extends_documentation_fragment"]]
    assert len(users) > 1
    for option in fragment_docs(path.stem).get("options", {}):
        assert all(f"\n  {option}:\n" not in module.read_text(encoding="utf-8") for module in users), option


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_module_is_documented_in_full(path):
    """With its fragments it names its author, its platform, and what check mode and diff mode do."""
    docs = module_docs(path)["DOCUMENTATION"]
    assert docs["author"] == ["The inference.ollama authors (@inference-ollama)"]
    assert docs["attributes"]["platform"]["platforms"] == "linux"
    assert docs["attributes"]["check_mode"]["support"] == "full"
    assert docs["attributes"]["diff_mode"]["support"] in ("full", "none")


def returned(path: Path) -> dict:
    """What a module or a filter documents of its result."""
    return module_docs(path)["RETURN"] if path in MODULES else filter_docs(path)["RETURN"]


@pytest.mark.parametrize("path", [*MODULES, *FILTERS], ids=lambda path: path.stem)
def test_return_samples_fit_their_types(path):
    """Every field is described and has a type, and a sample shows that type and no field but the described ones."""
    for name, entry in fields(returned(path)):
        assert entry.get("description"), name
        assert entry["type"] in TYPES, name
        sample = entry.get("sample")
        if sample is None:
            continue
        assert isinstance(sample, TYPES[entry["type"]]), name
        for item in sample if isinstance(sample, list) else [sample]:
            assert isinstance(item, TYPES[entry.get("elements", "raw")]) or item is sample, name
            if isinstance(item, dict) and "contains" in entry:
                assert set(item) <= set(entry["contains"]), name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_results_have_a_sample_for_every_value(path):
    """A reader of the documentation sees what each value looks like."""
    for name, entry in fields(module_docs(path)["RETURN"]):
        assert "sample" in entry or "contains" in entry, name


def test_every_filter_is_documented_under_its_name():
    """Ansible finds the documentation of a filter in the file of its name."""
    assert [path.stem for path in FILTERS] == sorted(FUNCTIONS)
    assert [filter_docs(path)["DOCUMENTATION"]["name"] for path in FILTERS] == sorted(FUNCTIONS)


@pytest.mark.parametrize("path", FILTERS, ids=lambda path: path.stem)
def test_filter_examples_are_templates_that_parse(path):
    """Every expression in an example is one that Ansible can read, and one of them calls the filter."""
    assert calls(path)


@pytest.mark.parametrize("path", FILTERS, ids=lambda path: path.stem)
def test_filter_options_equal_the_signature(path):
    """What is documented is what the filter takes: names, order, what is required, defaults."""
    _input, *parameters = inspect.signature(FUNCTIONS[path.stem]).parameters.values()
    documentation = filter_docs(path)["DOCUMENTATION"]
    options = {name: option for name, option in documentation["options"].items() if name != "_input"}
    assert documentation["options"]["_input"]["required"] is True
    assert list(options) == [parameter.name for parameter in parameters]
    positional = documentation.get("positional", "").replace(",", " ").split()
    assert positional == list(options)[: len(positional)]
    for parameter in parameters:
        required = parameter.default is inspect.Parameter.empty
        assert options[parameter.name].get("required", False) is required, parameter.name
        # A list as a default could be changed by a call, so the code has a tuple.
        default = [] if parameter.default == () else None if required else parameter.default
        assert options[parameter.name].get("default") == default, parameter.name


@pytest.mark.parametrize("path", FILTERS, ids=lambda path: path.stem)
def test_filter_examples_pass_only_options_that_exist(path):
    """A user copies examples: each argument is one that the filter takes."""
    options = [name for name in filter_docs(path)["DOCUMENTATION"]["options"] if name != "_input"]
    for call in calls(path):
        assert {keyword.key for keyword in call.kwargs} <= set(options)
        assert len(call.args) + len(call.kwargs) <= len(options)


def calls(path: Path) -> list[nodes.Filter]:
    """The calls of a filter in its examples, each of whose texts Ansible must be able to parse."""
    name = f"inference.ollama.{path.stem}"
    environment = Templar(loader=DataLoader()).environment
    texts = [text for task in filter_docs(path)["EXAMPLES"] for text in strings(task)]
    # A condition stands without braces.
    templates = [f"{{{{ {text} }}}}" if name in text and "{{" not in text else text for text in texts]
    found = [call for text in templates for call in environment.parse(text).find_all(nodes.Filter)]
    return [call for call in found if call.name == name]


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
