"""``python -m asktell``: the command line."""

import sys

from asktell.cli.main import main

sys.exit(main())
