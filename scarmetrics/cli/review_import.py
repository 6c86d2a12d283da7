"""scarmetrics review-import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.cli.console import make_console, print_table
from scarmetrics.errors import ExitCode
from scarmetrics.report import import_reviews

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from scarmetrics.report import Decision, Review


def import_review(out: Path, files: Sequence[Path], *, quiet: bool) -> int:
    """Import the readers' decisions, say who decided what and where they differ."""
    review = import_reviews(out, files)
    console = make_console(quiet=quiet)
    words = ("accept", "reject", "query")
    counts = [
        (reader, *(str(sum(d.reader == reader and d.decision == word for d in review.decisions))
                   for word in words))
        for reader in review.readers
    ]  # fmt: skip
    print_table(console, "Decisions", ("reader", *words), counts)
    _print_agreement(console, review)
    if review.disagreements:
        rows = [
            (*half, "; ".join(_words(decision) for decision in review.of(half)))
            for half in review.disagreements
        ]
        print_table(console, "Readers disagree", ("subject", "side", "decisions"), rows)
    if review.stale:
        console.print(
            f"{review.stale} decisions of an earlier import are about other results and were left "
            "out",
            markup=False,
        )
    console.print(
        f"{len(review.undecided)} halves without a decision; written to {out.name}/review: "
        "decisions.csv, disagreements.csv, changes_reviewed.csv",
        markup=False,
    )
    return int(ExitCode.OK)


def _print_agreement(console: Console, review: Review) -> None:
    both = review.agreement
    if both is None:
        return
    if both.share is None:
        console.print("The two readers decided no half in common.")
        return
    kappa = "cannot be told: both gave one and the same word" if both.kappa is None else (
        f"{both.kappa:.2f}".replace("-", "−")
    )  # fmt: skip
    console.print(
        f"Both readers decided {both.halves} halves and agree on {100 * both.share:.0f} %. "
        f"Cohen's kappa: {kappa}",
        markup=False,
    )


def _words(decision: Decision) -> str:
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.reader} {decision.decision}{reason}"
