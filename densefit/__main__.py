"""`python -m densefit` is the console script `densefit`."""

from __future__ import annotations

import sys

from densefit.tools.cli import main

if __name__ == "__main__":
    sys.exit(main())
