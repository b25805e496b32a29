"""Draw the pictures of ``docs/start.md`` anew, by running its blocks: ``make pictures``."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import matplotlib as mpl

PAGE = Path(__file__).with_name("start.md")
PICTURES = Path(__file__).with_name("pictures")


def main() -> None:
    """Run the blocks in a folder of their own, and keep the pictures that they save."""
    mpl.use("agg")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as back:
        back.callback(os.chdir, home)
        os.chdir(folder)
        exec("\n".join(blocks), {"__name__": "start"})
        PICTURES.mkdir(exist_ok=True)
        for picture in Path(folder).glob("*.png"):
            shutil.copy(picture, PICTURES / picture.name)


if __name__ == "__main__":
    main()
