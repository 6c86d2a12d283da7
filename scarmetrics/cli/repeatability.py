"""scarmetrics repeatability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.cli.console import make_console, print_table
from scarmetrics.errors import ExitCode, UsageError
from scarmetrics.statistics import repeatability
from scarmetrics.trial_report import read_repeats, write_repeatability

if TYPE_CHECKING:
    from pathlib import Path

    from scarmetrics.statistics import Repeatability


def run_repeatability(file: Path, out: Path | None, *, quiet: bool) -> int:
    """Print how well repeated measurements agree; write them with their plot where asked."""
    console = make_console(quiet=quiet)
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"the output {out.name} is a file", "name a folder")
    result = repeatability(read_repeats(file))
    print_table(
        console,
        f"Repeatability of {result.n_halves} halves, {result.n_repeats} measurements each",
        ("figure", "value", f"{100 * result.level:g} % interval"),
        _rows(result),
    )
    if result.n_dropped:
        halves = "half lacks" if result.n_dropped == 1 else "halves lack"
        console.print(f"{result.n_dropped} {halves} a repeat, left out")
    if out is not None:
        console.print("written: " + ", ".join(write_repeatability(result, out)))
    return int(ExitCode.OK)


def _rows(r: Repeatability) -> list[tuple[str, str, str]]:
    low, high = r.loa_low_mm2, r.loa_high_mm2
    margin = r.loa_margin_mm2
    return [
        ("ICC(2,1)", f"{r.icc.estimate:.3f}", f"{r.icc.ci_low:.3f} to {r.icc.ci_high:.3f}"),
        (
            "within-subject SD, mm²",
            f"{r.within_sd_mm2:.2f}",
            f"{r.within_sd_low_mm2:.2f} to {r.within_sd_high_mm2:.2f}",
        ),
        ("within-subject CV, %", _number(r.within_cv_pct), ""),
        ("minimum detectable change (MDC95), mm²", f"{r.mdc95_mm2:.2f}", ""),
        ("minimum detectable change (MDC95), %", _number(r.mdc95_pct), ""),
        ("bias, mm²", f"{r.bias_mm2:.2f}", f"{r.bias_low_mm2:.2f} to {r.bias_high_mm2:.2f}"),
        (
            "lower limit of agreement, mm²",
            f"{low:.2f}",
            f"{low - margin:.2f} to {low + margin:.2f}",
        ),
        (
            "upper limit of agreement, mm²",
            f"{high:.2f}",
            f"{high - margin:.2f} to {high + margin:.2f}",
        ),
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
