"""Draw the pictures of the documentation anew, by running the blocks of its pages.

``make pictures`` runs it; the pages save the pictures that they show.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import matplotlib as mpl

PAGES = [Path(__file__).with_name(name) for name in ("start.md", "looking.md")]
PICTURES = Path(__file__).with_name("pictures")


def main() -> None:
    """Run the blocks of each page in a folder of their own, and keep what they save."""
    mpl.use("agg")
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as back:
            back.callback(os.chdir, Path.cwd())
            os.chdir(folder)
            exec("\n".join(blocks), {"__name__": page.stem})
            for picture in Path(folder).glob("*.png"):
                shutil.copy(picture, PICTURES / picture.name)


if __name__ == "__main__":
    main()
