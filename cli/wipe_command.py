"""``circumvent wipe``: delete what was kept, say what can't be deleted from here."""

from __future__ import annotations

from dataclasses import replace

from circumvent.say.blocks import Block, Heading, Sentence, Space, Steps
from circumvent.state import Wiped, wipe
from circumvent.text import sanitise
from circumvent.tor.program.folder import remove_stale


def run_wipe() -> int:
    """Delete all state; the exit code is 0, or 1 when something is left."""
    import sys  # noqa: PLC0415 - as below

    from circumvent.cli import terminal  # noqa: PLC0415 - one place draws

    done = wipe()
    # A check with --with-tor that was killed could not remove the folder of its tor.
    left = tuple(str(folder) for folder in remove_stale())
    done = replace(done, deleted=(*done.deleted, *left))
    terminal.show(wipe_screen(done), sys.stdout, plain=terminal.plain_wanted(False))
    return 1 if done.failed else 0


def wipe_screen(done: Wiped) -> tuple[Block, ...]:
    """Return what was deleted, what was not, and what is out of reach."""
    first = (
        f"Deleted: {len(done.deleted)} files and folders."
        if done.deleted
        else "Nothing was kept on this device."
    )
    blocks: list[Block] = [Sentence(first, strong=True)]
    blocks += [Sentence("  " + sanitise(path, 200)) for path in done.deleted]
    if done.failed:
        blocks += [Space(), Heading("Still there")]
        blocks += [Sentence(f"  {sanitise(path, 200)}: {sanitise(why, 100)}") for path, why in done.failed]
    blocks += [Space(), Heading("Out of reach"), Steps(done.out_of_reach)]
    return tuple(blocks)
