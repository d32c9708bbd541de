"""`python -m raisr` is the command `raisr`."""

import sys

from raisr.cli import main

if __name__ == "__main__":
    sys.exit(main())
