# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error of Ollama means for the operator, and whether it may go better later.

Its words are those of server/images.go, download.go, create.go, quantization.go and sched.go
of Ollama 0.32.15, of Go's net and net/http, and of registries.
"""

from __future__ import annotations

import re

from ansible_collections.inference.ollama.plugins.module_utils._secrets import MASK, hide_in_text
from ansible_collections.inference.ollama.plugins.module_utils._text import one_line

_LONGEST = 400

# Words of an error, what to say of it, whether to try again. The first that fits counts.
_MEANINGS = tuple(
    (re.compile(words, re.IGNORECASE), meaning, again)
    for words, meaning, again in (
        (
            r"no space left on device|not enough (?:disk )?space|disk quota exceeded",
            (
                "there is no space left for it: remove models, or choose a folder of another file system in"
                " ollama_models_path"
            ),
            False,
        ),
        (
            r"llama-quantize",
            (
                "this server cannot create a model of a GGUF file, since that takes the program llama-quantize of the"
                " same release: install the whole archive of the release"
            ),
            False,
        ),
        (
            r"\b412\b|newer version of ollama|requires a newer version",
            "the model needs a newer release of Ollama: install one, or name another model",
            False,
        ),
        (r"requires MLX support", "the model is one for MLX, which this server has not: name another model", False),
        (
            r"manifest: file does not exist|manifest unknown|name unknown|repository does not exist",
            "the registry has no model of this name and tag",
            False,
        ),
        (r"\bnot found\b", "the server has no model of this name", False),
        (r"invalid model name|is invalid$|unqualified name", "this is not a name that the server takes", False),
        (
            r"insecure protocol http|server gave HTTP response to HTTPS client",
            "the registry answers without TLS: set insecure to true where that is meant",
            False,
        ),
        (r"x509:|certificate", "the server does not trust the certificate of the registry", False),
        (
            r"unauthorized|realm host|access denied|authentication required|\b40[13]\b",
            "the registry wants a login that this server has not",
            False,
        ),
        (r"template error", "the server cannot read the template", False),
        (r"unknown type|not in GGUF format|invalid file magic", "the file is not a GGUF file that it can read", False),
        (
            r"server busy|\b503\b|maximum pending requests",
            "the server is busy: as many requests wait as OLLAMA_MAX_QUEUE allows",
            True,
        ),
        (r"digest mismatch", "what arrived was damaged, and the server has thrown it away", True),
        (
            r"no such host|server misbehaving|dial tcp|connection refused|network is unreachable|proxyconnect",
            (
                "the server does not reach the registry: check its network and, where it needs one, the proxy in its"
                " environment"
            ),
            True,
        ),
        (
            r"unexpected EOF|max retries exceeded|connection reset|i/o timeout|timeout|stalled",
            "the transfer broke off",
            True,
        ),
    )
)


class Failure(Exception):  # noqa: N818 - it is not the operator's before it is the last one
    """What a server said, or why it said nothing. ``again``: whether it may go better later."""

    def __init__(self, text: str, *, status: int | None = None, again: bool | None = None) -> None:
        # The address of a download may be signed, that of a proxy may have a password.
        self.text = hide_in_text(one_line(text, _LONGEST), lambda _secret: MASK)
        super().__init__(self.text)
        self.status = status
        meaning = next(((said, later) for words, said, later in _MEANINGS if words.search(self.text)), None)
        self.meaning = None if meaning is None else meaning[0]
        known = meaning[1] if meaning is not None else status is None or status >= 500
        self.again = known if again is None else again

    def sentence(self, before: str) -> str:
        """The sentence for the operator, after what was tried."""
        return f"{before}: {self.text if self.meaning is None else f'{self.meaning} ({self.text})'}"
