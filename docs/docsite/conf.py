# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx builds the site: guides of Markdown beside the pages that antsibull-docs makes of the plugins.

``make docs`` copies the guides as they lie in the repository, so their links hold. Two things are added to what is
written: the name of a plugin or role in backticks leads to its page, and labels of Ansible's own documentation, which a
build without network cannot look up, lead there by its address.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

project = "inference.ollama"
author = "The inference.ollama authors"
copyright = "The inference.ollama authors"  # noqa: A001 - Sphinx's name

extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 4
exclude_patterns = ["collections/environment_variables.rst", "collections/deprecations.rst"]

html_theme = "sphinx_ansible_theme"
html_title = "inference.ollama"
html_short_title = "inference.ollama"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_theme_options = {"navigation_depth": 2, "titles_only": True}
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
default_role = "any"
nitpicky = True
# Settings of Ansible itself, which its own site has.
nitpick_ignore_regex = [("envvar", r"ANSIBLE_\w+")]

PLUGIN = "ansible_collections.inference.ollama."
KINDS = ("module", "filter", "role")
NAME = re.compile(r"(?:ansible-doc (?:-t \w+ )?)?(?:inference\.ollama\.)?(\w+)")
FILE = re.compile(r"\]\((?:\.\./)*plugins/modules/(\w+)\.py\)")
# Pages of Ansible's own site by the beginning of a label: https://docs.ansible.com/projects/ansible/latest/
SITE = "https://docs.ansible.com/projects/ansible/latest/"
PAGES = {
    "ansible_collections.ansible.builtin.": "collections/ansible/builtin/{}.html",
    "common_return_values": "reference_appendices/common_return_values.html",
    "action_plugins": "plugins/action.html",
    "callback_plugins": "plugins/callback.html",
}


class PluginNames(SphinxPostTransform):
    """Let the name of a plugin or a role in backticks lead to its page."""

    # Before references are resolved.
    default_priority = 5

    def run(self, **_options: object) -> None:
        """Replace each such text of a guide by a link around it."""
        if self.env.docname.startswith("collections/"):
            return
        labels = self.env.domains["std"].anonlabels
        for literal in list(self.document.findall(nodes.literal)):
            match = NAME.fullmatch(literal.astext())
            if not match or isinstance(literal.parent, (nodes.reference, pending_xref, nodes.title)):
                continue
            found = [f"{PLUGIN}{match[1]}_{kind}" for kind in KINDS if f"{PLUGIN}{match[1]}_{kind}".lower() in labels]
            if len(found) == 1:
                page, anchor = labels[found[0].lower()]
                address = f"{self.app.builder.get_relative_uri(self.env.docname, page)}#{anchor}"
                link = nodes.reference("", "", internal=True, refuri=address)
                literal.replace_self(link)
                link += literal


def elsewhere(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.reference | None:
    """Return a link to Ansible's own site for a label of it, else nothing: then Sphinx warns, and the build fails."""
    for start, page in PAGES.items():
        if node["reftarget"].startswith(start):
            address = SITE + page.format(node["reftarget"].removeprefix(start))
            return nodes.reference("", "", text, internal=False, refuri=address)
    return None


def plugin_files(_app: Sphinx, _name: str, text: list[str]) -> None:
    """Let a link of a guide to the file of a module lead to the module's page."""
    text[0] = FILE.sub(r"](/collections/inference/ollama/\1_module.rst)", text[0])


def setup(app: Sphinx) -> None:
    """Register what this file adds."""
    app.add_post_transform(PluginNames)
    app.connect("source-read", plugin_files)
    app.connect("missing-reference", elsewhere)
