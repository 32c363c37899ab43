"""``python -m agentnb``: the command line."""

import sys

from agentnb.cli import main

if __name__ == "__main__":
    sys.exit(main())
