"""``python -m strategies tune model.onnx --data data.npz``: see ``strategies.cli``."""

from __future__ import annotations

import sys

from strategies.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
