"""Run the command line as ``python -m tscnn``."""

from __future__ import annotations

import sys

from tscnn.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
