"""scarmetrics run."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Literal

from scarmetrics.cli.console import make_console, number, print_failures, print_table, run_progress
from scarmetrics.cli.events import event_lines, print_ended
from scarmetrics.errors import UsageError
from scarmetrics.runner import Study

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from scarmetrics.runner import RunSummary

_SHOWN_HALVES = 60


def run_study(
    exports: Path,
    out: Path,
    config: Path | None,
    workers: int | Literal["auto"],
    *,
    scheduler: str | None = None,
    force: bool = False,
    quiet: bool = False,
    hide_eyes: bool | None = None,
    json_lines: bool = False,
) -> int:
    """Measure, print the table and the failures, return the exit code."""
    console = make_console(quiet=quiet or json_lines)
    study = Study.from_config(config)
    if hide_eyes is not None:
        overlay = study.config.overlay.model_copy(update={"hide_eyes": hide_eyes})
        study = Study(study.config.model_copy(update={"overlay": overlay}))
    _end_as_ctrl_c_does()
    with event_lines() if json_lines else run_progress(console) as progress:
        summary = study.run(
            exports,
            out=out,
            workers=workers,
            isolate=True,
            scheduler=scheduler,
            force=force,
            progress=progress,
        )
    if json_lines:
        print_ended(summary)
    print_summary(console, summary)
    if quiet and not json_lines:
        print_failures(make_console(), summary.failures)
    if summary.problems:
        raise UsageError(
            f"the measurement in {out.name} is complete, but not what belongs to it: "
            f"{'; '.join(summary.problems)}",
            f"check the disk, then: scarmetrics report {out.name}",
        )
    return int(summary.exit_code)


def _end_as_ctrl_c_does() -> None:
    """Have a request to end, and a terminal that closes, keep what is finished."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, signal.default_int_handler)


def print_summary(console: Console, summary: RunSummary) -> None:
    """The changes table, the failures, and where the outputs are."""
    if summary.changes:
        first = summary.changes[0]
        before, after = first["baseline_visit"], first["follow_up_visit"]
        print_table(
            console,
            "Scar surface per half",
            (
                "subject",
                "side",
                f"{before} mm²",
                f"{after} mm²",
                "change mm²",
                "± sd",
                "%",
                "status",
            ),
            [
                (
                    row["subject_id"],
                    row["side"],
                    number(row["area_baseline_mm2"]),
                    number(row["area_month3_mm2"]),
                    number(row["change_mm2"]),
                    number(row["change_sd_mm2"]),
                    number(row["change_pct"], 0),
                    row["qc_status"],
                )
                for row in summary.changes[:_SHOWN_HALVES]
            ],
        )
        if len(summary.changes) > _SHOWN_HALVES:
            console.print(f"... and {len(summary.changes) - _SHOWN_HALVES} more in changes.csv")
    print_failures(console, summary.failures)
    state = "interrupted: " if summary.interrupted else ""
    resumed = f" ({summary.halves_resumed} by an earlier run)" if summary.halves_resumed else ""
    console.print(
        f"{state}{summary.halves_measured} halves measured, {summary.halves_failed} failed"
        f"{resumed}; tables, masks and overlays are in {summary.out}"
    )
    if summary.interrupted:
        console.print("The same command goes on from here.")
