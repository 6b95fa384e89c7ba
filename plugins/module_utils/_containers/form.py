# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form in which every container is read, and how words of options become a part of it.

None stands for what could not be read, or for what is not limited; ``problems`` of the module tell one from the other.
Options after podman-run(1) and docker-run(1).
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, Iterator, List

# Of one container; a program that answers more than this is not believed.
MOST = 1000
GREATEST = (1 << 63) - 1
ALL, UNLIMITED = "all", "infinity"
LABELS = {"z": "shared", "Z": "private"}
# An image as Ollama's own are called; an exporter or a user interface beside the server has a longer name.
_IMAGE = re.compile(r"(?:.*/)?ollama(?:[-_](?:rocm|cuda|vulkan|server))?(?::[^/@]*)?(?:@.*)?", re.IGNORECASE)
_SERVES = re.compile(r"(?:^|[\s/\"'])ollama[\"']?\s+(?:serve|start)\b")
_CDI = re.compile(r"(nvidia|amd)\.com/gpu=([\w:.-]{1,80})")
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_PORT = re.compile(
    r"(?:(?:(\[[0-9a-fA-F:.%\w]*\]|[^:\[\]/]*):)?([0-9]{1,5}(?:-[0-9]{1,5})?)?:)?([0-9]{1,5}(?:-[0-9]{1,5})?)"
)
# Short options whose value may follow without a space.
_GLUED = re.compile("(-[epvm])=?(.+)", re.DOTALL)
_AMD = ("/dev/kfd", "/dev/dri")


def empty() -> Dict[str, Any]:
    """A container of which nothing is known yet."""
    return {
        **dict.fromkeys(("name", "engine", "manager", "path", "unit", "user", "project", "service", "id")),
        **dict.fromkeys(("state", "main_pid", "image", "image_digest")),
        "ours": False,
        "files": [],
        "environment": {},
        "image_environment": [],
        "secrets": [],
        "environment_files": [],
        "command": [],
        "mounts": [],
        "devices": {"nvidia": [], "amd": False},
        **dict.fromkeys(("cpus", "memory_nodes", "cpu_quota")),
        "limits": {"memlock": None, "nofile": None},
        **dict.fromkeys(("memory_max_bytes", "oom_score_adjust", "network", "restart")),
        "ports": [],
    }


def is_ollama(image: str | None, command: Iterable[str]) -> bool:
    """Whether an image or a command line is that of a server."""
    return bool(_IMAGE.fullmatch((image or "")[:512])) or bool(_SERVES.search(" ".join(command)[:4096]))


def digest_of(image: str | None) -> str | None:
    """The digest in a reference, ``sha256:…``; None without one."""
    match = re.search(r"@(sha256:[0-9a-f]{64})$", image or "")
    return match[1] if match else None


def size(text: str) -> int | None:
    """The bytes of a size such as 512m or 8GiB; None for another text, and for 0, which limits nothing."""
    match = re.fullmatch(r"([0-9]{1,18})(b|[kmgt])?(?:i?b)?", text.strip().lower())
    return min(int(match[1]) * _UNITS[match[2] or ""], GREATEST) or None if match else None


def ports(text: str) -> List[Dict[str, Any]] | None:
    """``{address, port, container_port}`` of each port of a word of --publish, which may be a range.

    None for a word of another form, none for another protocol. Without a port of the host, and with several of them
    for one of the container, the engine takes one that is free: None. An empty address is every address.
    """
    word, _slash, protocol = text.strip().partition("/")
    match = _PORT.fullmatch(word)
    outer, inside = (_range(match[2] or ""), _range(match[3])) if match else (None, None)
    if match is None or outer is None or inside is None or protocol not in ("", "tcp", "udp", "sctp"):
        return None
    if protocol in ("udp", "sctp"):
        return []
    if len(outer) != len(inside):
        outer = [None] * len(inside) if not outer or len(inside) == 1 else []
    host = (match[1] or "").strip("[]")
    return [{"address": host, "port": one, "container_port": other} for one, other in zip(outer, inside)] or None


def _range(text: str) -> List[int | None] | None:
    """The ports of ``8000`` or ``8000-8009``; None where they are too many, or fall."""
    first, _dash, last = text.partition("-")
    if not text:
        return []
    found: List[int | None] = list(range(int(first), min(int(last or first), int(first) + MOST) + 1))
    return found if 0 < len(found) <= MOST else None


def mount(text: str) -> Dict[str, Any] | None:
    """A mount of a word of --volume, ``[SOURCE:]TARGET[:OPTIONS]``; a source without a slash is a named volume."""
    parts = text.split(":")
    if len(parts) == 1:
        return _mount("", parts[0], [])
    return _mount(parts[0], parts[1], parts[2].split(",") if len(parts) > 2 else [])


def long_mount(text: str) -> Dict[str, Any] | None:
    """A mount of a word of --mount, ``type=bind,source=…,target=…,ro``."""
    pairs = dict(each.partition("=")[::2] for each in text.split(","))
    source = next((pairs[name] for name in ("source", "src") if name in pairs), "")
    target = next((pairs[name] for name in ("target", "destination", "dst") if name in pairs), "")
    if pairs.get("type", "volume") not in ("bind", "volume"):
        return None
    flags = [name for name in ("ro", "readonly") if pairs.get(name, "false") in ("", "true")]
    relabel = {label: option for option, label in LABELS.items()}.get(pairs.get("relabel", ""), "")
    return _mount(source, target, ["ro"] * bool(flags) + [relabel])


def _mount(source: str, target: str, options: List[str]) -> Dict[str, Any] | None:
    if not target.startswith("/"):
        return None
    named = not source.startswith(("/", ".", "~", "%"))
    return {
        "source": None if named else source,
        "target": target,
        "volume": source if named else None,
        "read_only": "ro" in options,
        "label": label_of(options),
    }


def label_of(options: Iterable[str]) -> str | None:
    """How SELinux labels what is mounted, by the options of the mount; None where it does not."""
    return next((LABELS[option] for option in options if option in LABELS), None)


def add_device(found: Dict[str, Any], word: str) -> None:
    """Add what a word of --device gives: an entry of CDI, or a device file of the host."""
    devices = found["devices"]
    match = _CDI.fullmatch(word)
    place = word.partition(":")[0]
    if match and match[1] == "amd":
        devices["amd"] = True
    elif match:
        add_nvidia(found, [match[2]])
    elif place.startswith(_AMD):
        devices["amd"] = True
    elif re.fullmatch("/dev/nvidia[0-9]{1,3}", place):
        add_nvidia(found, [place[len("/dev/nvidia") :]])


def add_nvidia(found: Dict[str, Any], cards: Iterable[str]) -> None:
    """Add cards by their numbers or UUIDs, or all of them."""
    cards, before = list(cards), found["devices"]["nvidia"]
    if before == ALL or ALL in cards:
        found["devices"]["nvidia"] = ALL
    else:
        found["devices"]["nvidia"] = list(dict.fromkeys([*before, *cards]))[:MOST]


def add_gpus(found: Dict[str, Any], word: str) -> None:
    """Add what a word of --gpus gives: all, a number of cards, or ``device=0,1``, in quotes or not."""
    text = word.strip("\"'")
    if text.startswith("device="):
        add_nvidia(found, [each for each in text[len("device=") :].strip("\"'").split(",") if each])
    elif text == ALL or ALL in re.split("[,=]", text):
        add_nvidia(found, [ALL])
    elif re.fullmatch("(?:count=)?[1-9][0-9]{0,2}", text):
        add_nvidia(found, [str(number) for number in range(int(text.rpartition("=")[2]))])


def limit(word: str) -> tuple[str, int | str] | None:
    """Name and soft value of a word of --ulimit, ``memlock=-1:-1``."""
    match = re.fullmatch(r"(memlock|nofile)=(-1|[0-9]{1,18}|unlimited)(?::(?:-1|[0-9]{1,18}|unlimited))?", word)
    return (match[1], UNLIMITED if match[2] in ("unlimited", "-1") else int(match[2])) if match else None


def quota(text: str) -> float | None:
    """The CPUs of a word of --cpus; None for none, and for 0, which limits nothing."""
    return float(text) or None if re.fullmatch(r"[0-9]{0,6}(?:\.[0-9]{1,9})?", text) and text not in ("", ".") else None


_TEXTS = {
    "--cpuset-cpus": "cpus",
    "--cpuset-mems": "memory_nodes",
    "--network": "network",
    "--net": "network",
    "--restart": "restart",
}


def _score(text: str) -> int | None:
    return int(text) if re.fullmatch("-?[0-9]{1,4}", text) else None


_VALUES: Dict[str, tuple[str, Callable[[str], Any]]] = {
    "--cpus": ("cpu_quota", quota),
    "--memory": ("memory_max_bytes", size),
    "-m": ("memory_max_bytes", size),
    "--oom-score-adj": ("oom_score_adjust", _score),
    **{name: (key, lambda text: text or None) for name, key in _TEXTS.items()},
}
_LISTS: Dict[str, tuple[str, Callable[[str], Any]]] = {
    "--publish": ("ports", lambda text: ports(text) or []),
    "-p": ("ports", lambda text: ports(text) or []),
    "--volume": ("mounts", lambda text: _some(mount(text))),
    "-v": ("mounts", lambda text: _some(mount(text))),
    "--mount": ("mounts", lambda text: _some(long_mount(text))),
}


def _some(found: Dict[str, Any] | None) -> List[Dict[str, Any]]:
    return [found] if found else []


def options(words: List[str]) -> Iterator[tuple[str, str]]:
    """Each word that may be an option, with its value: after an equals sign, a short name, or the next word."""
    for place, word in enumerate(words[:MOST]):
        glued = _GLUED.fullmatch(word)
        name, equals, value = (glued[1], "=", glued[2]) if glued else word.partition("=")
        yield name, value if equals else next(iter(words[place + 1 : place + 2]), "")


def apply_options(found: Dict[str, Any], words: List[str]) -> None:
    """Add to a container what options of ``podman run`` or ``docker run`` among words give; others are passed over."""
    for name, value in options(words):
        if name in _VALUES:
            key, read = _VALUES[name]
            found[key] = read(value)
        elif name in _LISTS:
            key, read = _LISTS[name]
            found[key] += read(value)
        elif name in ("--env", "-e"):
            found["environment"].update([value.partition("=")[::2]] if "=" in value else [])
        elif name == "--gpus":
            add_gpus(found, value)
        elif name == "--device":
            add_device(found, value)
        elif name == "--ulimit":
            known = limit(value)
            found["limits"].update([known] if known else [])
