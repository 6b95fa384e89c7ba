# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of which models fit a host: for each one where it lies, and a bar for each device.

Pure: the same advice gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.inference.ollama.plugins.plugin_utils._models import remedies
from ansible_collections.inference.ollama.plugins.plugin_utils._picture import bars, style, svg
from ansible_collections.inference.ollama.plugins.plugin_utils._picture.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WIDTH = 960


def fit_svg(fit: Mapping[str, Any], host: str) -> str:
    """One SVG document of what model_fit() returned, which ends in a line break; ``host`` is the name in its title."""
    return _frame(fit, str(host)).document(style.bars_sheet())


def inline_fit_svg(fit: Mapping[str, Any], host: str) -> str:
    """The same as an element of a page that has shared_sheet()."""
    return _frame(fit, str(host)).element()


def _frame(fit: Mapping[str, Any], host: str) -> Frame:
    models = [(server, model) for server in fit["servers"] for model in server["models"]]
    looks = {look for _server, model in models for device in model["devices"] for look in bars.looks_of(device)}
    blocks = [svg.column(list(_title(fit, host)), 2)]
    blocks += [_panel(model, server["name"] if len(fit["servers"]) > 1 else None) for server, model in models]
    if looks:
        samples = svg.flow(bars.samples(looks), _WIDTH, 18, 4, stretch=False)
        blocks.append(svg.column([svg.label("Legend", "head"), samples], 4))
    words = "; ".join(_words(model) for _server, model in models) or "no model"
    return Frame(f"Models that fit {host}", words, svg.column(blocks, 18))


def _title(fit: Mapping[str, Any], host: str) -> Iterator[svg.Block]:
    yield svg.label(host, "title", limit=_WIDTH)
    whose = "as planned" if fit["settings"] == "plan" else "as the server has them"
    words = f"Ollama {fit['release'] or '(release unknown)'}, with settings {whose}; each model by itself"
    yield svg.label(words, "text", "muted", _WIDTH)
    for entry in fit["missing"]:
        yield svg.label(f"{entry['name']}: {entry['reason']}", limit=_WIDTH)


def _panel(model: Mapping[str, Any], server: str | None) -> svg.Block:
    where = f"{_placed(model)}{'' if server is None else f' ({server})'}"
    good = "good" if model["fits"] == model["wanted"] else "bad"
    heading = svg.row(
        [svg.label(model["name"], "head", limit=_WIDTH // 2), svg.label(where, "strong", good)], 12, stretch=False
    )
    lines = [heading, svg.label(_limits(model), "text", "muted", _WIDTH)]
    shown = [device for device in model["devices"] if device["total_bytes"]] or model["devices"]
    lines += [bars.bar_of(device) for device in shown]
    lines += [svg.label(f"→ {remedy}", "small", limit=_WIDTH) for remedy in remedies.remedies(model)]
    return svg.column(lines, 3)


def _placed(model: Mapping[str, Any]) -> str:
    words = {
        "gpu": f"fits on {remedies.where(model)}",
        "partly": f"{model['layers_on_gpu']} of {model['layers']} layers on GPUs",
        "cpu": "on the CPUs",
        "no": "does not fit",
    }
    return words.get(str(model["fits"]), "unknown")


def _limits(model: Mapping[str, Any]) -> str:
    words = [model["quantization"]] if model["quantization"] else []
    words.append(f"planned {remedies.planned(model)}")
    if model["most_slots"]:
        words.append(f"at most {model['most_slots']} slots of so many tokens")
    if model["most_tokens"]:
        words.append(f"at most {model['most_tokens']} tokens in one slot")
    return ", ".join(words)


def _words(model: Mapping[str, Any]) -> str:
    used = ", ".join(
        f"{remedies.named(device)} ({remedies.parts(device)})" for device in model["devices"] if device["total_bytes"]
    )
    return f"{model['name']}: {_placed(model)}{f': {used}' if used else ''}"
