"""The trial flow: subjects, halves and visits that were expected, measured and lost, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scarmetrics.allocation.halves import BASELINE
from scarmetrics.allocation.randomisation import ACTIVE, CONTROL, POOLED
from scarmetrics.allocation.tables import COUNT, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scarmetrics.allocation.halves import Half
    from scarmetrics.allocation.randomisation import Allocation
    from scarmetrics.allocation.results import Results
    from scarmetrics.allocation.tables import Record

NOT_ALLOCATED = "not_allocated"

FLOW = {
    "level": TEXT,
    "procedure": TEXT,
    "treatment": TEXT,
    "visit": TEXT,
    "expected": COUNT,
    "measured": COUNT,
    "failed": COUNT,
    "why": TEXT,
}

FLOW_DEFINITIONS = {
    "level": "what is counted: subjects, halves, or the visits of halves",
    "procedure": "what the whole face got; pooled: both",
    "treatment": "what the half got",
    "visit": "which visit is counted",
    "expected": "allocated subjects, their halves, or visits of these",
    "measured": "with a scar area; of subjects: at both halves",
    "failed": "expected but not measured",
    "why": "reasons, with how often each applies",
}


def flow_rows(halves: Sequence[Half], allocation: Allocation, results: Results) -> list[Record]:
    """Rows of ``flow.csv``, for each procedure and for all (``pooled``).

    Parameters
    ----------
    halves : sequence of Half
        Every half of every allocated subject.
    allocation : Allocation
        The randomisation list.
    results : Results
        The locked measurement.

    Returns
    -------
    list of dict
        ``level`` is ``subjects`` (measured: both halves), ``halves`` or ``visits``; ``why`` counts
        the reasons of those that failed. Subjects with photographs that were never allocated have
        a row of their own.
    """
    procedures = sorted({assignment.procedure for assignment in allocation.assignments})
    visits = (BASELINE, results.config.pairing.follow_up_visit)
    rows: list[Record] = []
    for procedure in [*procedures, POOLED]:
        chosen = [h for h in halves if procedure in (h.assignment.procedure, POOLED)]
        rows.append({"level": "subjects", "procedure": procedure, **_subjects(chosen)})
        for treatment in (ACTIVE, CONTROL):
            arm = [h for h in chosen if h.assignment.treatment(h.side) == treatment]
            where = {"procedure": procedure, "treatment": treatment}
            rows.append({"level": "halves", **where, **_count(arm)})
            rows += [{"level": "visits", **where, "visit": v, **_count(arm)} for v in visits]
    known = allocation.by_subject()
    others = [subject for subject in results.known_sides() if subject not in known]
    if others:
        rows.append(
            {
                "level": "subjects",
                "procedure": NOT_ALLOCATED,
                "expected": 0,
                "measured": len({r["subject_id"] for r in results.changes} & set(others)),
                "failed": 0,
                "why": _listed(NOT_ALLOCATED for _ in others),
            }
        )
    return rows


def _subjects(halves: Sequence[Half]) -> Record:
    by_subject: dict[str, list[Half]] = {}
    for half in halves:
        by_subject.setdefault(half.assignment.subject_id, []).append(half)
    lost = {
        subject: [half for half in pair if not half.measured]
        for subject, pair in by_subject.items()
    }
    failed = [pair for pair in lost.values() if pair]
    reasons = (code for pair in failed for code in {code for half in pair for code in _codes(half)})
    return {
        "expected": len(by_subject),
        "measured": len(by_subject) - len(failed),
        "failed": len(failed),
        "why": _listed(reasons),
    }


def _count(halves: Sequence[Half]) -> Record:
    """Counts of halves, or of their visits: both visits of a half are measured, or neither."""
    failed = [half for half in halves if not half.measured]
    return {
        "expected": len(halves),
        "measured": len(halves) - len(failed),
        "failed": len(failed),
        "why": _listed(code for half in failed for code in _codes(half)),
    }


def _codes(half: Half) -> Iterator[str]:
    yield from half.reason_code.split(";")


def _listed(reasons: Iterable[str]) -> str:
    counts = Counter(reasons)
    return "; ".join(f"{reason} ({counts[reason]})" for reason in sorted(counts))
