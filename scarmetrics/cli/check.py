"""scarmetrics check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from scarmetrics.cli.console import make_console, print_failures, print_table
from scarmetrics.errors import ExitCode
from scarmetrics.runner import Study

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

_SHOWN = 60
_SHOWN_UNLISTED = 20


def check_study(exports: Path, config: Path | None, *, quiet: bool) -> int:
    """Print what would be measured and what is wrong, return the exit code of such a run."""
    console = make_console(quiet=quiet)
    plan = Study.from_config(config).plan(exports)
    print_table(
        console,
        "Halves that would be measured",
        ("subject", "side", "view", "baseline", "follow-up"),
        [
            (
                half.subject_id,
                half.side,
                half.baseline.view,
                half.baseline.path_relative,
                half.follow_up.path_relative,
            )
            for half in plan.halves[:_SHOWN]
        ],
    )
    if len(plan.halves) > _SHOWN:
        console.print(f"... and {len(plan.halves) - _SHOWN} more")
    if plan.unused:
        print_table(
            console,
            "Photographs not part of any half",
            ("subject", "visit", "view", "file"),
            [(r.subject_id, r.visit, r.view, r.path_relative) for r in plan.unused[:_SHOWN]],
        )
    _print_unlisted(console, plan.unlisted)
    print_failures(console, plan.failures, limit=None)
    console.print(
        f"{len(plan.records)} photographs, {len(plan.halves)} halves would be measured, "
        f"{len(plan.unused)} photographs not used, {len(plan.failures)} problems; "
        "nothing was measured"
    )
    if quiet:
        print_failures(make_console(), plan.failures, limit=None)
    if not plan.halves:
        return int(ExitCode.NOTHING_MEASURED)
    return int(ExitCode.SOME_FAILED if plan.failures else ExitCode.OK)


def _print_unlisted(console: Console, unlisted: Sequence[str]) -> None:
    if not unlisted:
        return
    console.print(f"Photographs in the folder that the manifest does not list ({len(unlisted)})")
    for path in unlisted[:_SHOWN_UNLISTED]:
        console.print(f"  {escape(path)}")
    if len(unlisted) > _SHOWN_UNLISTED:
        console.print(f"  ... and {len(unlisted) - _SHOWN_UNLISTED} more")
