"""The smoke test is a package of the repository and not of what is installed: `tests.smoke`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
