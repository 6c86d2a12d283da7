"""scarmetrics link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.allocation import link, write_linked
from scarmetrics.cli.console import make_console, number, print_table
from scarmetrics.config import load_config
from scarmetrics.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from scarmetrics.allocation import LinkedStudy


_COUNTS = ("procedure", "subjects", "treated_left", "treated_right")


def link_study(
    out: Path,
    allocation: Path,
    questionnaires: Path | None,
    config: Path | None,
    *,
    accept_incomplete: bool,
    quiet: bool,
) -> int:
    """Link, write, print the balance of the randomisation and the trial flow."""
    console = make_console(quiet=quiet)
    study = link(
        out,
        allocation,
        questionnaires,
        config=None if config is None else load_config(config),
        accept_incomplete=accept_incomplete,
    )
    written = write_linked(study, out)
    _print_balance(console, study)
    _print_flow(console, study)
    for problem in study.accepted:
        console.print(f"accepted: {problem}", markup=False)
    if written.kept:
        console.print(f"What was linked before is kept in {written.kept}.", markup=False)
    state = "linked" if written.is_new else "linked before, unchanged"
    console.print(
        f"{state}: lock {study.lock.number}, tables are in {written.folder}", markup=False
    )
    return int(ExitCode.OK)


def _print_balance(console: Console, study: LinkedStudy) -> None:
    print_table(
        console,
        "Randomisation: treated side (exact binomial test)",
        ("procedure", "subjects", "left", "right", "p"),
        [
            (
                *(str(row[name]) for name in _COUNTS),
                number(row["p_value"], 3),
            )
            for row in study.randomisation.to_dict("records")
        ],
    )


def _print_flow(console: Console, study: LinkedStudy) -> None:
    print_table(
        console,
        "Trial flow",
        ("level", "procedure", "treatment", "expected", "measured", "failed", "why"),
        [
            tuple("" if value is None else str(value) for value in row)
            for row in study.flow[study.flow["level"] != "visits"]
            .drop(columns="visit")
            .astype(object)
            .where(lambda frame: frame.notna(), None)
            .itertuples(index=False)
        ],
    )
