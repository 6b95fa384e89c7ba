# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flash attention and the type of the KV cache, which stand and fall together.

Sources: docs/policy.md, rules A1 and A2.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

WHAT = "it computes attention in tiles and never stores the scores of the whole context"
FLASH, KV_TYPE = "OLLAMA_FLASH_ATTENTION", "OLLAMA_KV_CACHE_TYPE"


def attend(case: Case) -> dict[str, str]:
    """The environment for both settings; contradictions go to ``case.errors``."""
    flash = _flash(case)
    environment = {} if flash is None else {FLASH: "1" if flash else "0"}
    wish = case.policy.kv_cache_type
    if wish is None:
        case.decide(KV_TYPE, None, POLICY, "not set: f16 is every release's default and costs no quality")
        return environment
    if wish != "f16" and flash is False:
        case.errors.append(
            f"ollama_kv_cache_type: {wish!r} contradicts flash attention being off (ollama_flash_attention, or a card"
            " without it): from 0.30.0 on every model load would fail; allowed is auto or f16, or turn flash"
            " attention on"
        )
    elif wish != "f16" and flash is None:
        case.warn(
            "kv-cache-type-uncertain",
            f"{wish} needs flash attention, and whether this host's devices have it on {case.release_text} is not"
            " known",
            "set ollama_flash_attention: true if they do, or leave ollama_kv_cache_type on auto",
        )
    if not case.acts(KV_TYPE):
        case.withhold(KV_TYPE)
        return environment
    environment[KV_TYPE] = str(
        case.decide(KV_TYPE, wish, OPERATOR, f"ollama_kv_cache_type is {wish}; it needs flash attention")
    )
    return environment


def _flash(case: Case) -> bool | None:
    able, reason = _support(case)
    wish = case.policy.flash_attention
    if wish is None:
        source = CONTRACT if able is False else POLICY
        case.decide(FLASH, None if able is None else "1" if able else "0", source, reason)
        return able
    if wish and able is False:
        case.warn(
            "flash-attention-unsupported",
            f"ollama_flash_attention is true, and {reason}",
            "leave ollama_flash_attention on auto, or keep the card out by ollama_cuda_visible_devices",
        )
    case.decide(
        FLASH, "1" if wish else "0", OPERATOR, f"ollama_flash_attention is {str(wish).lower()}; the rule: {reason}"
    )
    return wish


def _support(case: Case) -> tuple[bool | None, str]:
    if not case.gpus:
        return _support_on_cpu(case)
    unread = [gpu.name for gpu in case.gpus if gpu.vendor == "nvidia" and gpu.compute is None]
    if unread:
        return None, f"not set: the compute capability of {', '.join(unread)} could not be read, so the server decides"
    for gpu in case.gpus:
        if gpu.vendor != "nvidia" or gpu.compute is None:
            continue
        verdict = _support_on_cuda(case, gpu.compute)
        if verdict is not True:
            text = f"{gpu.label} has no flash attention on {case.release_text}"
            return (
                verdict,
                text if verdict is False else f"not set: {text} in every supported release, so the server decides",
            )
    return True, f"every GPU here has it on {case.release_text}; {WHAT}"


def _support_on_cpu(case: Case) -> tuple[bool | None, str]:
    # Before 0.11.5 the variable is read and does nothing on a host without GPU, so it is true of every supported
    # release that it does no harm.
    if case.release is not None and not case.at_least("0.11.5"):
        return None, f"not set: on CPUs it acts from 0.11.5 on, and this is {case.release_text}"
    return True, f"the CPU code has it from 0.11.5 on; {WHAT}"


def _support_on_cuda(case: Case, compute: tuple[int, int]) -> bool | None:
    """Whether llama.cpp's CUDA code has flash attention for the card on this release; None where releases differ."""
    if case.release is None:
        return True if compute >= (7, 0) and compute != (7, 2) else None
    if compute == (7, 2):
        return not case.at_least("0.12.4")
    if not case.at_least("0.30.0"):
        return True
    return compute >= ((6, 0) if case.at_least("0.31.2") else (7, 0))


__all__ = ("attend",)
