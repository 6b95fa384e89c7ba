# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one rule of what a secret is: a value under the name of a secret, or a text of the form of one.

Who refuses a value, who keeps it out of a file and who hides it all ask here, so that nothing is shown in one place and
hidden in another. docs/operations.md, "Secrets", lists names and forms.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What stands in the place of a secret.
MASK = "***"

_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASS(?:W|PHRASE|CODE|_|$)|CRED(?:S|ENTIALS?)?(?:_|$)|AUTHORIZATION|BEARER|COOKIE|JWT|WEBHOOK|HMAC|"
    r"(?:^|_)(?:O?AUTH|DSN|LICEN[CS]E|OTP|PAT|PIN|PRIVATE|PSK|PW|SIGNATURE)(?:_|$)|_PWD(?:_|$)|HEADERS?$|"
    r"(?:DATABASE|DB|SQL|POSTGRES(?:QL)?|MONGO(?:DB)?|REDIS|AMQP|RABBITMQ|BROKER)_UR[IL]$|CONN(?:ECTION)?_STR(?:ING)?$",
    re.IGNORECASE,
)
# Words that hold one of these and mean something else.
_OTHER = re.compile(
    r"CORS_(?:HEADERS|CREDENTIALS)|TOKENI[SZ]|KEY(?:BOARD|CODE|FRAME|MAP|RING|SERVER|WORD)|HOTKEY|MONKEY|TURKEY|PUB(?:LIC)?_?KEY|BYPASS|COMPASS",
    re.IGNORECASE,
)
# A path to a secret is not a secret, nor is a number of tokens, nor a word that switches something.
_PLACE = re.compile(r"(?:_(?:FILE|PATH|DIR|FOLDER|SOCK)|KEYTAB|LICEN[CS]E)$", re.IGNORECASE)
_PATH = re.compile(r"[/.~].*|.*\.[A-Za-z]{2,5}", re.DOTALL)
_COUNT = re.compile(r"TOKENS(_|$)", re.IGNORECASE)
_SWITCH = re.compile(r"(?i)true|false|yes|no|[yn]|on|off|[0-9]")

# Every repetition is bounded, by a number or by what ends it, so that no text takes long.
_VALUE = r"""("(?:\\.|[^"\\])*"|'[^']*'|[^\s,;&\]}"'\\]+)"""
_WORDS = (
    r"(?:[_.-]key|apikey|token|secret|passw(?:or)?d|passphrase|passcode|credentials?|authorization|cookie|bearer|jwt|"
    r"signature|[_.-]pwd|[_.-]auth)"
)
# The second group of each is the secret.
_FORMS = tuple(
    re.compile(form)
    for form in (
        # A password, or a token alone, before the host; a password may hold what ends a host.
        r"(://)([^\s\"'<>/?#]{0,1024}|[^\s\"'<>:/@]{0,256}:(?![0-9]{1,5}/)[^\s\"'<>]{0,1024})(?=@)",
        r"(?i)(\b(?:bearer|basic) +)([\w.~+/=-]{6,})",
        rf"(?i)((?<![\w.-])[\w.-]{{0,128}}{_WORDS}\\?[\"']?\s{{0,3}}[=:]\s{{0,3}}\\?){_VALUE}",
        rf"(?i)((?<![\w.-])--[\w-]{{0,128}}{_WORDS} )([^\s\"'\\]+)",
        r"(?i)([?&](?:key|sig|auth|pass|pwd|pw|pin|code|psk|sid|session)=)([^\s&#\"'<>]+)",
        r"()(\b(?:sk-|hf_|gh[oprsu]_|github_pat_|glpat-|xox[abeprs]-|nvapi-|gsk_|npm_|pypi-)[\w-]{12,})",
        r"()(\bAKIA[0-9A-Z]{16}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----)",
    )
)
# A name in capitals before an equals sign is that of a variable; other words of a text are not judged by their name.
_ASSIGNED = re.compile(rf"((?<![\w.-])([A-Z][A-Z0-9_]{{2,128}})=){_VALUE}")
_SETTING = re.compile(r"""(["']?)(?<![\w.-])([A-Za-z_][\w.-]*)=""")
_CHAIN = re.compile(
    r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|(?![ \t]{1,64}["']?[A-Za-z_][\w.-]*=)[^\n])+""", re.DOTALL
)
# By the quote before the name.
_INSIDE = {
    '"': re.compile(r'(?:\\.|[^"\\])*(?=")', re.DOTALL),
    "'": re.compile(r"(?:\\.|[^'\\])*(?=')", re.DOTALL),
    "": _CHAIN,
}
# A value that is an address may leave out the scheme; in a longer text that could be anything.
_ADDRESS = re.compile(r"(^|://|[,;\s])([^/@\s:,]*:[^/\s]+)(?=@)")


def is_secret(name: str, value: str) -> bool:
    """Whether a variable or an option of this name holds a secret; an empty value does not, nor one such as true."""
    name = _OTHER.sub("", _variable(name))
    if not value or _NAME.search(name) is None or _SWITCH.fullmatch(value):
        return False
    if _PLACE.search(name) and _PATH.fullmatch(value):
        return False
    return not (_COUNT.search(name) and re.fullmatch("[-+]?[0-9].{0,9}", value))


def carries_secret(value: str) -> bool:
    """Whether a value has the form of a secret or holds one: a password or a token in an address, a known key, …"""
    found: list[str] = []

    def seen(secret: str) -> str:
        found.append(secret)
        return secret

    hide_in_value(value, seen)
    return bool(found)


def hide_in_value(value: str, hide: Callable[[str], str]) -> str:
    """A value with each secret in it replaced by what ``hide`` makes of it; an address may have no scheme."""
    return hide_in_text(_ADDRESS.sub(lambda match: f"{match[1]}{_address(match[2], hide)}", value), hide)


def hide_in_text(text: str, hide: Callable[[str], str]) -> str:
    """The same for any text, such as a line of a log."""

    def assigned(match: re.Match[str]) -> str:
        return f"{match[1]}{hide(_bare(match[3]))}" if is_secret(match[2], _bare(match[3])) else match[0]

    def user(match: re.Match[str]) -> str:
        return f"{match[1]}{_address(match[2], hide)}"

    def found(match: re.Match[str]) -> str:
        return match[0] if _SWITCH.fullmatch(_bare(match[2])) else f"{match[1]}{hide(_bare(match[2]))}"

    text = _FORMS[0].sub(user, text)
    for form in _FORMS[1:]:
        text = form.sub(found, text)
    return _ASSIGNED.sub(assigned, text)


def hide_in_file(text: str, hide: Callable[[str], str]) -> str:
    """The same for the text of a unit, a drop-in or a file of variables, where any name before an equals sign counts.

    A value in quotes may have several lines, and one without them goes on until the next assignment.
    """
    shown, place = [], 0
    for match in _SETTING.finditer(text):
        if match.start() < place:
            continue
        rest = _INSIDE[match[1]].match(text, match.end()) or _CHAIN.match(text, match.end())
        value = rest[0] if rest else ""
        if is_secret(match[2], _bare(value.strip())):
            shown += [text[place : match.end()], hide(value)]
            place = match.end() + len(value)
    return hide_in_text("".join([*shown, text[place:]]), hide)


def mentions_secret(text: str) -> bool:
    """Whether a text names a secret, or holds one; for texts that are shown as a whole or not at all."""
    return _NAME.search(_variable(text)) is not None or carries_secret(text)


def _address(user: str, hide: Callable[[str], str]) -> str:
    """What stands before the host, hidden; the password alone is the secret, without one all of it."""
    name, colon, password = user.partition(":")
    return hide(password if colon else name) if user else user


def _bare(value: str) -> str:
    return value.strip("\"'")


def _variable(name: str) -> str:
    """The name of an option in the form of a variable."""
    return name.lstrip("-").replace("-", "_")
