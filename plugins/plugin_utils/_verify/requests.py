# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variable of llama-server a runner's own command line replaces, and who puts the option there.

common/arg.cpp of llama.cpp: the command line wins over the environment. llm/llama_server.go and server/sched.go of
Ollama: which option of a request or a Modelfile, which setting or which choice of the server becomes which argument.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Mapping, NamedTuple, Tuple

from ansible_collections.inference.ollama.plugins.module_utils._service.command_line import options_of
from ansible_collections.inference.ollama.plugins.plugin_utils._verify.typed import rows, text, texts

if TYPE_CHECKING:
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.observation import Process
    from ansible_collections.inference.ollama.plugins.plugin_utils._verify.subject import Subject

_REQUEST = "a request or the Modelfile"
_MMAP = f"use_mmap of {_REQUEST}, or the server where no card is used"
_MAIN_GPU = f"main_gpu of {_REQUEST}, or the server where one card is enough"
_ITSELF = "the server itself, at every load"


class Asked(NamedTuple):
    """The arguments that come before a variable, and who asks for them."""

    flags: Tuple[str, ...]
    by: str


_LOAD_MODE = ("--load-mode", "-lm")
ASKED: Mapping[str, Asked] = {
    "LLAMA_ARG_THREADS": Asked(("-t", "--threads"), f"num_thread of {_REQUEST}"),
    "LLAMA_ARG_CTX_SIZE": Asked(("-c", "--ctx-size"), f"num_ctx of {_REQUEST}, else OLLAMA_CONTEXT_LENGTH"),
    "LLAMA_ARG_N_PARALLEL": Asked(("-np", "--parallel"), "OLLAMA_NUM_PARALLEL, and what the model can do"),
    "LLAMA_ARG_N_GPU_LAYERS": Asked(("-ngl", "--gpu-layers", "--n-gpu-layers"), f"num_gpu of {_REQUEST}"),
    "LLAMA_ARG_BATCH": Asked(("-b", "--batch-size"), f"num_batch of {_REQUEST}, else the server"),
    "LLAMA_ARG_UBATCH": Asked(("-ub", "--ubatch-size"), f"num_batch of {_REQUEST}, else the server"),
    "LLAMA_ARG_MAIN_GPU": Asked(("-mg", "--main-gpu"), _MAIN_GPU),
    "LLAMA_ARG_SPLIT_MODE": Asked(("-sm", "--split-mode"), _MAIN_GPU),
    "LLAMA_ARG_LOAD_MODE": Asked((*_LOAD_MODE, "--no-mmap", "--direct-io"), _MMAP),
    "LLAMA_ARG_MMAP": Asked((*_LOAD_MODE, "--mmap", "--no-mmap"), _MMAP),
    "LLAMA_ARG_DIO": Asked((*_LOAD_MODE, "-dio", "--direct-io"), _MMAP),
    "LLAMA_ARG_MLOCK": Asked(_LOAD_MODE, _MMAP),
    "LLAMA_ARG_FLASH_ATTN": Asked(("-fa", "--flash-attn"), "OLLAMA_FLASH_ATTENTION, and what the cards can do"),
    "LLAMA_ARG_CACHE_TYPE_K": Asked(("-ctk", "--cache-type-k"), "OLLAMA_KV_CACHE_TYPE"),
    "LLAMA_ARG_CACHE_TYPE_V": Asked(("-ctv", "--cache-type-v"), "OLLAMA_KV_CACHE_TYPE"),
    "LLAMA_ARG_CONTEXT_SHIFT": Asked(("--context-shift", "--no-context-shift"), f"shift of {_REQUEST}, or the model"),
    "LLAMA_ARG_SPEC_TYPE": Asked(("--spec-type",), "the model's draft"),
    "LLAMA_ARG_SPEC_DRAFT_N_MAX": Asked(("--spec-draft-n-max",), f"draft_num_predict of {_REQUEST}"),
    "LLAMA_ARG_HOST": Asked(("--host",), _ITSELF),
    "LLAMA_ARG_PORT": Asked(("--port",), _ITSELF),
    "LLAMA_ARG_MODEL": Asked(("-m", "--model"), _ITSELF),
    "LLAMA_ARG_MODELS_MAX": Asked(("-m", "--model"), _ITSELF),
    "LLAMA_ARG_MODELS_AUTOLOAD": Asked(("-m", "--model"), _ITSELF),
    "LLAMA_ARG_OFFLINE": Asked(("--offline",), _ITSELF),
    "LLAMA_ARG_WEBUI": Asked(("--webui", "--no-webui"), _ITSELF),
    "LLAMA_ARG_UI": Asked(("--webui", "--no-webui", "--ui", "--no-ui"), _ITSELF),
    "LLAMA_ARG_UI_CONFIG": Asked(("--webui", "--no-webui", "--ui", "--no-ui"), _ITSELF),
    "LLAMA_ARG_LOG_VERBOSITY": Asked(("-lv", "--log-verbosity", "--verbosity"), _ITSELF),
    "LLAMA_ARG_LOG_PREFIX": Asked(("--log-prefix", "--no-log-prefix"), _ITSELF),
    "LLAMA_ARG_LOG_TIMESTAMPS": Asked(("--log-timestamps", "--no-log-timestamps"), _ITSELF),
}
_LOGGED = re.compile(r"^warn: (\S+) environment variable is set, but .* argument (\S+)$")


class Replaced(NamedTuple):
    """What a runner has in place of a variable: its argument, where that shows, and who asked for it."""

    argument: str
    place: str
    by: str


def replaced(subject: Subject, runner: Process, name: str) -> Replaced | None:
    """What this runner's own command line says in place of the variable; None where it says nothing.

    The line that llama-server logs of it counts for the runner that logged it, and only where its command line was not
    read: an argument is there for all to see as long as the runner is.
    """
    asked = ASKED.get(name, Asked((), _ITSELF))
    if runner.command_line is not None:
        options = options_of(runner.command_line)
        found = next((f"{flag} {options[flag]}".strip() for flag in reversed(options) if flag in asked.flags), None)
        return None if found is None else Replaced(found, runner.file("cmdline"), asked.by)
    start = subject.observed.start_of(runner)
    for warning in rows(start.get("warnings")):
        match = _LOGGED.match(text(warning.get("line")) or "")
        if match and match[1] == name:
            options = options_of(texts(start.get("command_line")))
            place = f"the log of {subject.unit} at the start of the runner {runner.pid}"
            return Replaced(f"{match[2]} {options.get(match[2], '')}".strip(), place, asked.by)
    return None
