"""scarmetrics verify."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from scarmetrics.cli.console import make_console
from scarmetrics.errors import ExitCode
from scarmetrics.runner import verify

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from scarmetrics.runner import Verification

_LIMITS = (
    "Somebody who writes all files and the history anew is not noticed by this: write the head "
    "down outside this folder, or lock the measurement and write the lock's digest down."
)


def verify_results(out: Path, exports: Path | None, *, as_json: bool, quiet: bool) -> int:
    """Check every hash, print what was altered, return the exit code."""
    found = verify(out, exports)
    if as_json:
        content = {"verified": bool(found), **asdict(found), "out": found.out.name}
        sys.stdout.write(json.dumps(content, indent=2) + "\n")
    else:
        _print(make_console(quiet=quiet and bool(found)), found, inputs=exports is not None)
    return int(ExitCode.OK if found else ExitCode.USAGE)


def _print(console: Console, found: Verification, *, inputs: bool) -> None:
    remedies: dict[str, list[str]] = {}
    for altered in found.alterations:
        line = f"  {altered.what}: {altered.name} ({altered.detail})"
        remedies.setdefault(altered.remedy, []).append(line)
    for remedy, lines in remedies.items():
        console.print("\n".join(lines), markup=False)
        console.print(f"  remedy: {remedy}", markup=False)
    for note in found.notes:
        console.print(f"note: {note}", markup=False)
    photographs = f", {found.inputs} photographs" if inputs else ""
    state = f"{len(found.alterations)} altered" if found.alterations else "nothing was altered"
    console.print(
        f"{found.files} files{photographs} and {found.events} events checked: {state}",
        markup=False,
    )
    if found.head:
        console.print(f"head {found.head}", markup=False)
    console.print(_LIMITS, markup=False)
