"""What the terminal shows: progress, tables, failures."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from scarmetrics.errors import REASONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from scarmetrics.models import FailureRecord
    from scarmetrics.runner import Progress

_SHOWN_FAILURES = 20


class _Terminal(Console):
    """A console whose reader may leave: what it would have shown is lost, and nothing else."""

    def on_broken_pipe(self) -> None:
        """Go on without output."""
        self.quiet = True
        to_nowhere()


def to_nowhere() -> None:
    """Send to nowhere what is printed from now on, and what the interpreter still has to write."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def make_console(*, quiet: bool = False) -> Console:
    """The terminal, or plain text where the output is not one."""
    return _Terminal(quiet=quiet, soft_wrap=True, highlight=False)


@contextmanager
def run_progress(console: Console) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal, a plain line per pair of photographs elsewhere."""
    if not console.is_terminal:
        yield _PlainLines(console).show
        return
    bar = ProgressBar(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("halves"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}"),
        console=console,
    )
    with bar:
        task = bar.add_task("measuring", total=None, failed="")

        def show(step: Progress) -> None:
            if not step.subject_id:  # what an earlier run did says nothing about the speed
                bar.reset(task, total=step.total, completed=step.done)
            parts = [f"[green]{step.resumed} by an earlier run"] if step.resumed else []
            parts += [f"[red]{step.failed} failed"] if step.failed else []
            failed = " ".join(parts)
            bar.update(task, completed=step.done, total=step.total, failed=failed)

        yield show


class _PlainLines:
    """A line for each pair of photographs, with the time that is left by the speed so far."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.began = time.monotonic()

    def show(self, step: Progress) -> None:
        """Print a step."""
        if not step.subject_id:
            self.began = time.monotonic()
            if step.resumed:
                done = f"{step.resumed}/{step.total}"
                self.console.print(f"{done} halves were finished by an earlier run")
            return
        failed = f", {step.failed} failed" if step.failed else ""
        self.console.print(
            f"{step.done}/{step.total} halves, {escape(step.subject_id)}{failed}{self._left(step)}"
        )

    def _left(self, step: Progress) -> str:
        measured, left = step.done - step.resumed, step.total - step.done
        if not left or not measured:
            return ""
        seconds = (time.monotonic() - self.began) / measured * left
        return f", about {words_of_time(seconds)} left"


def words_of_time(seconds: float) -> str:
    """A time in the largest unit that it fills."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def print_table(
    console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """A table; numbers (columns whose first cell looks like one) to the right."""
    rows = list(rows)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, column in enumerate(columns):
        sample = rows[0][index] if rows else ""
        numeric = sample[:1].isdigit() or sample[:1] in "+-−"
        table.add_column(column, justify="right" if numeric and sample else "left")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def print_failures(
    console: Console, failures: Sequence[FailureRecord], *, limit: int | None = _SHOWN_FAILURES
) -> None:
    """What could not be measured: each reason with its remedy once, below it what it concerns.

    All reasons are named, the most frequent first, with counts and one case at least; `limit` holds
    for all other cases.
    """
    groups: dict[tuple[str, str], list[FailureRecord]] = defaultdict(list)
    for failure in failures:
        groups[failure.reason_code, failure.remedy].append(failure)
    left = len(failures) if limit is None else limit
    shown = 0
    for (reason_code, remedy), group in sorted(groups.items(), key=lambda item: -len(item[1])):
        # Readers that were registered from outside may have reasons of their own.
        meaning = REASONS[reason_code].meaning if reason_code in REASONS else ""
        text = f"{meaning}; remedy: {remedy}" if meaning else f"remedy: {remedy}"
        console.print(f"[red]{escape(reason_code)}[/red] ({len(group)}): {escape(text)}")
        cases = group[: max(left, 1)]
        for failure in cases:
            console.print(f"  {escape(_failure_line(failure, meaning))}")
        left -= len(cases)
        shown += len(cases)
    if shown < len(failures):
        console.print(f"... and {len(failures) - shown} more in failures.csv")


def _failure_line(failure: FailureRecord, meaning: str) -> str:
    half = " ".join(part for part in (failure.subject_id, failure.side, failure.visit) if part)
    where = ", ".join(part for part in (half, failure.path_relative) if part)
    if where and failure.reason == meaning:
        return where
    return f"{where}: {failure.reason}" if where else failure.reason


def number(value: float | None, digits: int = 1) -> str:
    """A number for the terminal; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"
