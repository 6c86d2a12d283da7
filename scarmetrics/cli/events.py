"""scarmetrics run --json-lines: a run's events for programs, one JSON object a line."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import scarmetrics
from scarmetrics.cli.console import to_nowhere
from scarmetrics.errors import ScarmetricsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scarmetrics.runner import Progress, RunSummary


@contextmanager
def event_lines() -> Iterator[Callable[[Progress], None]]:
    """Print the start, each half, and the error that ends a run."""
    try:
        yield _show
    except ScarmetricsError as error:
        _print({"event": "error", "message": error.message, "remedy": error.remedy})
        raise


def print_ended(summary: RunSummary) -> None:
    """Print what the run came to; the last line."""
    reasons: dict[str, dict[str, Any]] = {}
    for failure in summary.failures:
        group = reasons.setdefault(
            failure.reason_code,
            {
                "reason_code": failure.reason_code,
                "count": 0,
                "example": failure.path_relative,
                "remedy": failure.remedy,
            },
        )
        group["count"] += 1
    _print(
        {
            "event": "ended",
            "state": "interrupted" if summary.interrupted else "finished",
            "exit_code": int(summary.exit_code) if not summary.problems else 2,
            "halves_measured": summary.halves_measured,
            "halves_failed": summary.halves_failed,
            "halves_resumed": summary.halves_resumed,
            "failures": sorted(reasons.values(), key=lambda group: -group["count"]),
            "problems": list(summary.problems),
        }
    )


def _show(step: Progress) -> None:
    counts = {
        "done": step.done,
        "total": step.total,
        "measured": step.measured,
        "failed": step.failed,
    }
    if not step.subject_id:
        version = scarmetrics.__version__
        _print({"event": "started", "version": version, "resumed": step.resumed, **counts})
    for half in step.ended:
        _print(
            {
                "event": "half",
                "subject_id": step.subject_id,
                "side": half.side,
                "outcome": "failed" if half.reason_code else "measured",
                "reason_code": half.reason_code,
                **counts,
            }
        )


def _print(event: dict[str, Any]) -> None:
    """Print a line; a reader who left does not end the run."""
    try:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        to_nowhere()
