"""scarmetrics link."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scarmetrics.allocation import link
from scarmetrics.allocation.randomisation import POOLED
from scarmetrics.cli.console import make_console, number, print_table
from scarmetrics.config import load_config
from scarmetrics.errors import ExitCode
from scarmetrics.provenance import sha256_of
from scarmetrics.trial_report import PAGE_NAME, analyse_linked, read_repeatability, write_trial

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from scarmetrics.allocation import LinkedStudy
    from scarmetrics.statistics import Analysis
    from scarmetrics.statistics.records import Comparison

_SHOWN = ("primary", "secondary")  # by procedure and all else: in the report
_DECIMALS = {"change_mm2": 1, "change_pct": 1, "change_fraction": 4}
_COUNTS = ("procedure", "subjects", "treated_left", "treated_right")


def link_study(
    out: Path,
    allocation: Path,
    questionnaires: Path | None,
    config: Path | None,
    *,
    repeats: Path | None,
    accept_incomplete: bool,
    quiet: bool,
) -> int:
    """Link, compare, write, print the randomisation's balance, the trial flow and the answer."""
    console = make_console(quiet=quiet)
    repeated = None if repeats is None else read_repeatability(repeats)
    study = link(
        out,
        allocation,
        questionnaires,
        config=None if config is None else load_config(config),
        accept_incomplete=accept_incomplete,
    )
    if repeats is not None:
        study = replace(study, sources={**study.sources, "repeatability": sha256_of(repeats)})
    analysis = analyse_linked(study, repeated)
    written = write_trial(study, out, analysis)
    _print_balance(console, study)
    _print_flow(console, study)
    _print_answer(console, analysis)
    for problem in study.accepted:
        console.print(f"accepted: {problem}", markup=False)
    if written.kept:
        console.print(f"What was linked before is kept in {written.kept}.", markup=False)
    state = "linked" if written.is_new else "linked before, unchanged"
    console.print(
        f"{state}: lock {study.lock.number}; open {written.folder / PAGE_NAME}, tables and "
        "figures are beside it",
        markup=False,
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


def _print_answer(console: Console, analysis: Analysis) -> None:
    print_table(
        console,
        "ADSC-CM less saline within patients (below zero: ADSC-CM lost more scar)",
        ("", "outcome", "patients", "difference", "interval", "p"),
        [
            _answer_row(c)
            for c in analysis.comparisons
            if c.procedure == POOLED and c.role in _SHOWN
        ],
    )


def _answer_row(c: Comparison) -> tuple[str, ...]:
    t = c.paired_t
    told = ("–", c.note, "–")
    if t is not None:
        low, high = (number(limit, _DECIMALS[c.outcome]) for limit in (t.ci_low, t.ci_high))
        told = (number(t.mean, _DECIMALS[c.outcome]), f"{low} to {high}", number(t.p, 3))
    return (c.role, f"{c.label}, {c.unit}", str(c.patients), *told)
