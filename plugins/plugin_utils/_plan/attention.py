# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flash attention and the type of the KV cache, which stand and fall together.

Sources: docs/policy.md, rules A1 to A3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.inference.ollama.plugins.plugin_utils._models.cache import BLOCK
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import CONTRACT, MEASURED, OPERATOR, POLICY
from ansible_collections.inference.ollama.plugins.plugin_utils._plan.views import VARIABLE

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.models import ReferenceModel
    from ansible_collections.inference.ollama.plugins.plugin_utils._plan.notes import Planning

WHAT = "it computes attention in tiles and never stores the scores of the whole context"
FLASH, KV_TYPE = "OLLAMA_FLASH_ATTENTION", "OLLAMA_KV_CACHE_TYPE"
# llama.cpp caps the scores of this family outside of its fused kernel and switches flash attention off for it
# (llama_init_from_model); Ollama's own engine did so for the other one until 0.30.0 (fs/ggml/ggml.go@0.24.0).
NEVER, NOT_BEFORE_LLAMA_SERVER = "grok", ("gemma2", "grok")
LLAMA_SERVER = "llama_server"


def attend(planning: Planning) -> None:
    """Decide on both settings."""
    flash = _flash(planning)
    option = planning.policy.kv_cache_type
    if option is None:
        reason = "not set: f16 is every release's default and costs no quality"
        planning.record(VARIABLE, KV_TYPE, None, POLICY, reason)
        return
    if option != "f16":
        _check_devices(planning, option, flash=flash)
        for model in planning.policy.reference_models:
            _check_family(planning, option, model)
    if planning.acts(KV_TYPE):
        reason = f"ollama_kv_cache_type is {option}; a quantised type needs flash attention"
        planning.record(VARIABLE, KV_TYPE, option, OPERATOR, reason)
    else:
        planning.not_supported(KV_TYPE)


def attends(planning: Planning, model: ReferenceModel | None = None) -> bool:
    """Whether it is certain that flash attention will be on, for one model or for any."""
    flash = _support(planning)[0] if planning.policy.flash_attention is None else planning.policy.flash_attention
    return flash is True and (model is None or _family_attends(planning, model))


def cache_type(planning: Planning, model: ReferenceModel | None = None) -> str:
    """The KV cache type to count with: the operator's where it is certain to act, else f16, which is larger."""
    option = planning.policy.kv_cache_type or "f16"
    return option if planning.acts(KV_TYPE) and attends(planning, model) else "f16"


def _check_devices(planning: Planning, option: str, *, flash: bool | None) -> None:
    if flash is False:
        planning.error(
            f"ollama_kv_cache_type: {option!r} contradicts flash attention being off (ollama_flash_attention, or a card"
            f" without it): from {planning.since(LLAMA_SERVER)} on every model load would fail; allowed is auto or f16,"
            " or turn flash attention on"
        )
    elif planning.policy.flash_attention is None and _support(planning)[0] is None:
        planning.warn(
            "kv-cache-type-uncertain",
            f"{option} needs flash attention, and whether this host's devices have it on {planning.release_text} is not"
            " known; it is switched on, because left to the server it could be off, and then every load would fail",
            "set ollama_flash_attention: true if they do, or leave ollama_kv_cache_type on auto",
        )


def _check_family(planning: Planning, option: str, model: ReferenceModel) -> None:
    older = planning.release is not None and not planning.reached(LLAMA_SERVER)
    if older and model.family in NOT_BEFORE_LLAMA_SERVER:
        planning.warn(
            "kv-cache-type-unused",
            f"{model.name} ({model.family}) has no flash attention on {planning.release_text}, so its cache stays f16",
            "nothing to set: the budget counts f16 for it",
        )
    elif not older and model.family == NEVER:
        planning.error(
            f"ollama_kv_cache_type: {option!r} needs flash attention, which {NEVER} has in no release, and from"
            f" {planning.since(LLAMA_SERVER)} on every load of {model.name} would fail; allowed is auto or f16"
        )
    odd = next((length for length in (model.key_length, model.value_length) if length % BLOCK), None)
    if odd is not None and not older:
        planning.error(
            f"ollama_kv_cache_type: {option!r} stores blocks of {BLOCK} elements, which do not divide the {odd}"
            f" elements of a head of {model.name}, so from {planning.since(LLAMA_SERVER)} on its loads would fail;"
            " allowed is auto or f16"
        )


def _family_attends(planning: Planning, model: ReferenceModel) -> bool:
    return model.family not in ((NEVER,) if planning.reached(LLAMA_SERVER) else NOT_BEFORE_LLAMA_SERVER)


def _flash(planning: Planning) -> bool | None:
    able, reason = _support(planning)
    option, kv_type = planning.policy.flash_attention, planning.policy.kv_cache_type
    flash, source = (able, CONTRACT if able is False else POLICY) if option is None else (option, OPERATOR)
    if option is None and able is None and kv_type not in (None, "f16"):
        why = reason.replace("not set: ", "").partition(", so the server")[0]
        measured = planning.is_measured("kv_cache_type")
        flash, source = True, MEASURED if measured else OPERATOR
        reason = f"{'the measured kv_cache_type' if measured else 'ollama_kv_cache_type'} {kv_type} needs it; {why}"
    elif option is not None:
        if option and able is False:
            planning.warn(
                "flash-attention-unsupported",
                f"ollama_flash_attention is true, and {reason}",
                "leave ollama_flash_attention on auto, or keep the card out by ollama_cuda_visible_devices",
            )
        reason = f"ollama_flash_attention is {str(option).lower()}; the rule: {reason}"
    planning.record(VARIABLE, FLASH, None if flash is None else "1" if flash else "0", source, reason)
    return flash


def _support(planning: Planning) -> tuple[bool | None, str]:
    if not planning.gpus:
        return _support_on_cpu(planning)
    unread = [gpu.name for gpu in planning.gpus if gpu.maker.cuda and gpu.compute is None]
    if unread:
        return None, f"not set: the compute capability of {', '.join(unread)} could not be read, so the server decides"
    for gpu in planning.gpus:
        if not gpu.maker.cuda or gpu.compute is None:
            continue
        verdict = _support_on_cuda(planning, gpu.compute)
        if verdict is not True:
            text = f"{gpu.label} has no flash attention on {planning.release_text}"
            return (
                verdict,
                text if verdict is False else f"not set: {text} in every supported release, so the server decides",
            )
    return True, f"every GPU here has it on {planning.release_text}; {WHAT}"


def _support_on_cpu(planning: Planning) -> tuple[bool | None, str]:
    since = planning.since("flash_attention_on_cpu")
    # Before that the variable is read and does nothing on a host without GPU, so it is true of every supported
    # release that it does no harm.
    if planning.release is not None and not planning.reached("flash_attention_on_cpu"):
        return None, f"not set: on CPUs it acts from {since} on, and this is {planning.release_text}"
    return True, f"the CPU code has it from {since} on; {WHAT}"


def _support_on_cuda(planning: Planning, compute: tuple[int, int]) -> bool | None:
    """Whether llama.cpp's CUDA code has flash attention for the card on this release; None where releases differ."""
    if planning.release is None:
        return True if compute >= (7, 0) and compute != (7, 2) else None
    if compute == (7, 2):
        return not planning.reached("no_flash_attention_on_7_2")
    if not planning.reached(LLAMA_SERVER):
        return True
    return compute >= ((6, 0) if planning.reached("flash_attention_on_pascal") else (7, 0))
