"""scarmetrics lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.allocation import check_lock, lock
from scarmetrics.cli.console import make_console
from scarmetrics.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


def lock_results(out: Path, *, check: bool, quiet: bool) -> int:
    """Lock or check, say which lock holds and its digest."""
    made = check_lock(out) if check else lock(out)
    console = make_console(quiet=quiet)
    if made.is_new:
        console.print(f"locked: {len(made.files)} files, {made.name}", markup=False)
    else:
        console.print(f"unchanged since lock {made.number} of {made.locked}", markup=False)
    console.print(f"digest {made.digest}", markup=False)
    if made.is_new:
        console.print("Write the digest down outside this folder, such as in the trial's file.")
    return int(ExitCode.OK)
