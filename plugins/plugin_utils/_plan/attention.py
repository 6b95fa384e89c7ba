# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flash attention and the type of the KV cache, which stand and fall together.

Sources: docs/policy.md, rules A1 to A3.
Private to inference.ollama: it may change in any release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._plan.budget import BLOCK
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, OPERATOR, POLICY

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Case

WHAT = "it computes attention in tiles and never stores the scores of the whole context"
FLASH, KV_TYPE = "OLLAMA_FLASH_ATTENTION", "OLLAMA_KV_CACHE_TYPE"
# llama.cpp caps the scores of this family outside of its fused kernel and switches flash attention off for it
# (llama_init_from_model); Ollama's own engine did so for the other one until 0.30.0 (fs/ggml/ggml.go@0.24.0).
NEVER, NOT_BEFORE_LLAMA_SERVER = "grok", ("gemma2", "grok")
LLAMA_SERVER = "0.30.0"


def attend(case: Case) -> dict[str, str]:
    """The environment for both settings; contradictions go to ``case.errors``."""
    flash = _flash(case)
    environment = {} if flash is None else {FLASH: "1" if flash else "0"}
    wish = case.policy.kv_cache_type
    if wish is None:
        case.decide(KV_TYPE, None, POLICY, "not set: f16 is every release's default and costs no quality")
        return environment
    if wish != "f16":
        _check_devices(case, wish, flash=flash)
        for model in case.policy.reference_models:
            _check_family(case, wish, model)
    if not case.acts(KV_TYPE):
        case.withhold(KV_TYPE)
        return environment
    environment[KV_TYPE] = str(
        case.decide(KV_TYPE, wish, OPERATOR, f"ollama_kv_cache_type is {wish}; a quantised type needs flash attention")
    )
    return environment


def attends(case: Case, model: ReferenceModel | None = None) -> bool:
    """Whether it is certain that flash attention will be on, for one model or for any."""
    flash = _support(case)[0] if case.policy.flash_attention is None else case.policy.flash_attention
    return flash is True and (model is None or _family_attends(case, model))


def cache_type(case: Case, model: ReferenceModel | None = None) -> str:
    """The KV cache type to reckon with: the operator's where it is certain to be had, else f16, which is larger."""
    wish = case.policy.kv_cache_type or "f16"
    return wish if case.acts(KV_TYPE) and attends(case, model) else "f16"


def _check_devices(case: Case, wish: str, *, flash: bool | None) -> None:
    if flash is False:
        case.refuse(
            f"ollama_kv_cache_type: {wish!r} contradicts flash attention being off (ollama_flash_attention, or a card"
            " without it): from 0.30.0 on every model load would fail; allowed is auto or f16, or turn flash"
            " attention on"
        )
    elif case.policy.flash_attention is None and _support(case)[0] is None:
        case.warn(
            "kv-cache-type-uncertain",
            f"{wish} needs flash attention, and whether this host's devices have it on {case.release_text} is not"
            " known; it is switched on, because left to the server it could be off, and then every load would fail",
            "set ollama_flash_attention: true if they do, or leave ollama_kv_cache_type on auto",
        )


def _check_family(case: Case, wish: str, model: ReferenceModel) -> None:
    older = case.release is not None and not case.at_least(LLAMA_SERVER)
    if older and model.family in NOT_BEFORE_LLAMA_SERVER:
        case.warn(
            "kv-cache-type-unused",
            f"{model.name} ({model.family}) has no flash attention on {case.release_text}, so its cache stays f16",
            "nothing to set: the budget counts f16 for it",
        )
    elif not older and model.family == NEVER:
        case.refuse(
            f"ollama_kv_cache_type: {wish!r} needs flash attention, which {NEVER} has in no release, and from 0.30.0 on"
            f" every load of {model.name} would fail; allowed is auto or f16"
        )
    odd = next((length for length in (model.key_length, model.value_length) if length % BLOCK), None)
    if odd is not None and not older:
        case.refuse(
            f"ollama_kv_cache_type: {wish!r} stores blocks of {BLOCK} elements, which do not divide the {odd} elements"
            f" of a head of {model.name}, so from 0.30.0 on its loads would fail; allowed is auto or f16"
        )


def _family_attends(case: Case, model: ReferenceModel) -> bool:
    return model.family not in ((NEVER,) if case.at_least(LLAMA_SERVER) else NOT_BEFORE_LLAMA_SERVER)


def _flash(case: Case) -> bool | None:
    able, reason = _support(case)
    wish = case.policy.flash_attention
    quantised = case.policy.kv_cache_type not in (None, "f16")
    if wish is None and able is None and quantised:
        why = reason.replace("not set: ", "").partition(", so the server")[0]
        case.decide(FLASH, "1", OPERATOR, f"ollama_kv_cache_type {case.policy.kv_cache_type} needs it; {why}")
        return True
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
    return bool(wish)


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


__all__ = ("attend", "attends", "cache_type")
