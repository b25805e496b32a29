"""``python -m asktell``: the command line."""

import sys

from asktell.cli.process import command

sys.exit(command())
