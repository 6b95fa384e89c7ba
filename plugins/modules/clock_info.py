#!/usr/bin/python
# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module inference.ollama.clock_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: clock_info
short_description: Reads a host's clock, and what it shows in a time zone
version_added: 0.1.0
description:
  - Returns the time of the host's clock in UTC, and the day of the week and the time of day in a zone.
  - The zone is looked up in the host's own database of time zones, that of the package C(tzdata).
options:
  zone:
    description: The time zone, as V(Europe/Vienna).
    type: str
    default: UTC
extends_documentation_fragment:
  - inference.ollama.target
  - ansible.builtin.action_common_attributes
seealso:
  - plugin: inference.ollama.retune_decision
    plugin_type: filter
"""

EXAMPLES = r"""
- name: What time is it where the host's callers work?
  inference.ollama.clock_info:
    zone: Europe/Vienna
  register: now

- name: Leave the host alone at daytime
  ansible.builtin.meta: end_host
  when: now.clock.time is not none and '08:00' <= now.clock.time < '18:00'
"""

RETURN = r"""
clock:
  description: The time.
  returned: success
  type: dict
  contains:
    schema:
      description: The version of this shape.
      type: int
      sample: 1
    utc:
      description: The time in UTC.
      type: str
      sample: "2026-11-27T20:35:00Z"
    zone:
      description: The zone that was asked for.
      type: str
      sample: Europe/Vienna
    day:
      description: The day of the week there, from V(mon) to V(sun); V(null) where the host does not know the zone.
      type: str
      sample: fri
    time:
      description: The time of day in the zone; V(null) where the host does not know the zone.
      type: str
      sample: "21:35"
    problems:
      description: What could not be read.
      type: list
      elements: str
      sample: []
"""

from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.inference.ollama.plugins.module_utils import _zipimport  # noqa: F401 importing it acts, pylint: disable=unused-import

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UTC = "UTC"


def argument_spec() -> dict[str, dict[str, Any]]:
    return {"zone": {"type": "str", "default": _UTC}}


def read(zone: str, now: datetime) -> dict[str, Any]:
    """RETURN of the module, below ``clock``; ``now`` is in UTC."""
    problems, local = [], None
    try:
        # UTC needs no database.
        local = now if zone == _UTC else now.astimezone(ZoneInfo(zone))
    except (OSError, ValueError, LookupError):
        problems.append(
            f"the host knows no time zone {zone[:60]!r}; expected is a name such as Europe/Vienna of its package tzdata"
        )
    return {
        "schema": 1,
        "utc": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "zone": zone,
        "day": None if local is None else _DAYS[local.weekday()],
        "time": None if local is None else local.strftime("%H:%M"),
        "problems": problems,
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    module.exit_json(changed=False, clock=read(module.params["zone"], datetime.now(timezone.utc)))


if __name__ == "__main__":
    main()
