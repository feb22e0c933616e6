"""``python -m surgsigma_hub.cli``."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
