# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between the vendors of GPUs, by their names in the facts of ``topology_facts``.

The one table of it: through which library a card is reached, which variables show and hide it, which cards a release
has kernels for, which integrated GPUs it takes. Sources: docs/policy.md, rules G1, G2, G5 and G7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Tuple

from ansible_collections.inference.ollama.plugins.plugin_utils._release import parse_release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.inference.ollama.plugins.plugin_utils._release import Release

# Libraries through which a server reaches cards. A model's layers are split over cards of one of them alone.
CUDA, ROCM, VULKAN = "CUDA", "ROCm", "Vulkan"
# From then on only the vendors' own integrated GPUs below are taken, unless this variable says otherwise.
INTEGRATED_CHOSEN, INTEGRATED_ENABLE = "0.30.0", "OLLAMA_IGPU_ENABLE"
VULKAN_ENABLE, VULKAN_VISIBLE, VULKAN_OFF = "OLLAMA_VULKAN", "GGML_VK_VISIBLE_DEVICES", "GGML_DISABLE_VULKAN"
# In archives for Linux since then, off unless it is asked for; on by default from the second release on.
VULKAN_SINCE, VULKAN_DEFAULT = "0.13.0", "0.30.0"
# Discovery keeps only the libraries of that name: cuda_v12 and others of NVIDIA's, rocm or rocm_v7_2, vulkan. Exactly
# that name counts from the milestone on (ml/device.go).
LIBRARY, EXACT_LIBRARY = "OLLAMA_LLM_LIBRARY", "exact_gpu_library"
# Makes ROCm take a card for one of another target, all cards or with _0, _1 behind it one of them.
OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"

# Since a release: targets that its ROCm has kernels for (Dockerfile and CMakePresets.json of each).
Kernels = Tuple[Tuple[str, Tuple[str, ...]], ...]


def _targets(names: str) -> tuple[str, ...]:
    return tuple(f"gfx{name}" for name in names.split())


_AMD_KERNELS: Kernels = (
    ("0.1.29", _targets("900 906 908 90a 1010 1012 1030 1100 1101 1102")),
    ("0.1.33", _targets("900 906 908 90a 940 941 942 1010 1012 1030 1100 1101 1102")),
    ("0.6.2", _targets("900 906 908 90a 940 941 942 1010 1012 1030 1100 1101 1102 1151")),
    ("0.6.4", _targets("900 906 908 90a 940 941 942 1010 1012 1030 1100 1101 1102 1151 1200 1201")),
    ("0.12.4", _targets("908 90a 940 941 942 1010 1012 1030 1100 1101 1102 1151 1200 1201")),
    ("0.18.0", _targets("908 90a 942 950 1010 1012 1030 1100 1101 1102 1103 1150 1151 1200 1201")),
    ("0.31.2", _targets("908 90a 942 950 1030 1100 1101 1102 1150 1151 1200 1201")),
)
# The version that a card without kernels can be taken for: one of the same family, whose instructions it has.
_AMD_OVERRIDES = {
    **dict.fromkeys(_targets("902 904 909 90c"), "9.0.0"),
    **dict.fromkeys(_targets("1011 1012 1013"), "10.1.0"),
    **dict.fromkeys(_targets("1031 1032 1033 1034 1035 1036"), "10.3.0"),
    "gfx1103": "11.0.2",
    **dict.fromkeys(_targets("1150 1152 1153"), "11.5.1"),
}


@dataclass(frozen=True)
class Vendor:
    """One vendor. A plan counts on cards of one that has a ``visible`` variable, and leaves others to the server.

    ``library`` serves its cards; ``visible`` names those that a server sees, by UUID or by index, and ``ordinal`` those
    that are left of them, by index, in place of the variable ``mistaken`` of another vendor; ``unread`` says that the
    generation of a card was not read; ``after`` is the service that has to start before a server; ``tool`` shows the
    cards that the driver sees, and ``module`` is the driver's module of the kernel.

    ``integrated`` are the releases since when integrated GPUs are taken by default: by target, or all by ``*``.
    ``kernels``, where there are any, are the targets that are served since a release; ``overrides`` says as what
    another one can be served. With ``cuda`` ``ollama_cuda_visible_devices`` names the cards, and their compute
    capability decides: ``lowest_compute``, and ``lowest_integrated`` for boards that a library of their own serves.
    """

    title: str
    library: str | None = None
    visible: str | None = None
    ordinal: str | None = None
    mistaken: str | None = None
    unread: str | None = None
    lowest_compute: tuple[int, int] | None = None
    lowest_integrated: tuple[int, int] | None = None
    after: str | None = None
    tool: str | None = None
    module: str | None = None
    cuda: bool = False
    integrated: Mapping[str, str] = field(default_factory=dict, hash=False)
    kernels: Kernels = ()
    overrides: Mapping[str, str] = field(default_factory=dict, hash=False)

    def served(self, target: str, release: Release) -> bool:
        """Whether the vendor's library in the release has kernels for the target."""
        known: tuple[str, ...] = ()
        for since, targets in self.kernels:
            if release >= parse_release(since):
                known = targets
        return target in known

    def override(self, target: str, release: Release) -> str | None:
        """The version for which the release has kernels, and as which a card of the target can be used."""
        version = self.overrides.get(target)
        return version if version and self.served(target_of(version) or "", release) else None

    def integrated_since(self, target: str | None) -> str | None:
        """The release since when an integrated GPU is taken by default; None where none does so."""
        return self.integrated.get("*") or self.integrated.get(str(target))


_VERSION = re.compile(r"([0-9]{1,3})\.([0-9a-f]{1,2})\.([0-9a-f]{1,2})")


def target_of(version: str) -> str | None:
    """``10.3.0`` as ``gfx1030``: the target that a value of ``HSA_OVERRIDE_GFX_VERSION`` means; None for other text."""
    match = _VERSION.fullmatch(version)
    return f"gfx{match[1]}{match[2]}{match[3]}" if match else None


def overridden(environment: Mapping[str, str], index: int | None = None) -> str | None:
    """The version that an environment makes ROCm take a card for: that of its index before that of all cards."""
    return environment.get(f"{OVERRIDE}_{index}") or environment.get(OVERRIDE) or None


def from_release(release: Release | None, since: str) -> bool:
    """Whether the release is this one or later; one that is not known is taken for the newest."""
    return release is None or release >= parse_release(since)


VENDORS = {
    "nvidia": Vendor(
        "NVIDIA",
        library=CUDA,
        visible="CUDA_VISIBLE_DEVICES",
        unread="compute capability not read",
        # Every Linux build of every supported release has kernels for this and later, and none for less
        # (CMakePresets.json and Dockerfile of 0.1.29 to 0.33.0).
        lowest_compute=(5, 0),
        # cuda_jetpack5 and cuda_jetpack6 serve 7.2 and 8.7, cuda_v13 what came later.
        lowest_integrated=(7, 2),
        after="nvidia-persistenced.service",
        tool="nvidia-smi",
        module="nvidia",
        cuda=True,
        integrated={"*": INTEGRATED_CHOSEN},
    ),
    "amd": Vendor(
        "AMD",
        library=ROCM,
        visible="ROCR_VISIBLE_DEVICES",
        # HIP reads CUDA's variable where its own is empty (rocclr, device/rocm/rocdevice.cpp).
        ordinal="HIP_VISIBLE_DEVICES",
        mistaken="CUDA_VISIBLE_DEVICES",
        unread="gfx target not read",
        tool="rocm-smi",
        module="amdgpu",
        integrated={"gfx1151": "0.30.1"},
        kernels=_AMD_KERNELS,
        overrides=_AMD_OVERRIDES,
    ),
    "intel": Vendor("Intel"),
}


def vendor_of(name: object) -> Vendor:
    """The vendor of this name; one that nobody has heard of is called by its name."""
    return VENDORS.get(str(name)) or Vendor(str(name or ""))
