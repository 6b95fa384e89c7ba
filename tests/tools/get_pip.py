# Copyright (c) 2026, The inference.ollama authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-in for the script that ansible-test downloads: installs the pip that Python carries itself."""

import ensurepip
import sys
from pathlib import Path

wheel = next(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
sys.path.insert(0, str(wheel))

from pip._internal.cli.main import main

sys.exit(main(["install", "--upgrade", *(arg for arg in sys.argv[1:] if not arg.startswith("--no-"))]))
