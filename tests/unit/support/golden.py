# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results that are stored to be reviewed by eye. GOLDEN_REWRITE=1 rewrites them; the diff is the review."""

from __future__ import annotations

import os

import yaml

REWRITE = os.environ.get("GOLDEN_REWRITE") == "1"


class _Dumper(yaml.SafeDumper):
    """Indents lists as yamllint wants them."""

    def increase_indent(self, *args, **_indentless):
        return super().increase_indent(*args[:1], indentless=False)


def as_yaml(data):
    """Data as YAML in the house's style."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True, explicit_start=True)


def same(path, text):
    """Whether the stored result is this text; it is after a rewrite."""
    if REWRITE:
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text
