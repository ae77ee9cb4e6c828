"""The golden screens. ``python -m tests.cli.golden_files`` writes them anew; look at the difference before you commit."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from circumvent.cli.draw import Style, draw
from circumvent.say.end import end_screen
from circumvent.say.staff import staff_screen
from tests.say.reports import FORMS, filtered

FOLDER: Final = Path(__file__).parent / "golden"
WIDTHS: Final = (100, 60, 38)


def screens() -> dict[str, str]:
    """Return every golden file: its name and what it must hold."""
    pages = {name: end_screen(make(), ending) for name, (make, ending) in FORMS.items()}
    pages["staff"] = staff_screen(filtered(), "from-user.json")
    found = {}
    for name, page in pages.items():
        for colour in (False, True):
            told = []
            for width in WIDTHS:
                lines = draw(page, Style(width=width, colour=colour))
                told += [f"=== {width} columns", *(line.replace("\x1b", "\\e") for line in lines)]
            if not colour:
                told += ["=== plain", *draw(page, Style(width=None, plain=True))]
            found[f"{name}{'-colour' if colour else ''}.txt"] = "\n".join(told) + "\n"
    return found


def write() -> None:
    """Write the golden files."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, content in screens().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    write()
