"""Whether the randomisation list, the questionnaires and the measurement tell of one trial."""

from __future__ import annotations

import datetime as dt
import difflib
from typing import TYPE_CHECKING

from scarmetrics.allocation.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scarmetrics.allocation.questionnaires import Questionnaires
    from scarmetrics.allocation.randomisation import Allocation, Assignment
    from scarmetrics.allocation.results import Results
    from scarmetrics.allocation.tables import Record

_MEASUREMENTS, _FAILURES = "measurements.csv", "failures.csv"


def check_subjects(
    allocation: Allocation, results: Results, named: frozenset[str]
) -> Iterator[Problem]:
    """Subjects and halves that are in one of the two only.

    Parameters
    ----------
    allocation : Allocation
        The rows that could be read.
    results : Results
        The locked measurement.
    named : frozenset of str
        Subjects of all rows of the allocation, of wrong ones too.

    Yields
    ------
    Problem
    """
    known = results.known_sides()
    for assignment in allocation.assignments:
        sides = known.get(assignment.subject_id)
        if sides is None:
            near = _nearest(assignment.subject_id, known)
            message = f"{assignment.subject_id} has no photographs in the measurement{near}"
            yield Problem(allocation.name, assignment.line, "subject_id", message, incomplete=True)
        elif len(sides) == 1:
            message = (
                f"{assignment.subject_id} is treated on the {assignment.treated_side}, but has "
                f"photographs of the {next(iter(sides))} half only"
            )
            yield Problem(allocation.name, assignment.line, "", message, incomplete=True)
    told: set[str] = set()
    for file, rows in ((_MEASUREMENTS, results.measurements), (_FAILURES, results.failures)):
        for row in rows:
            subject_id = row["subject_id"]
            if subject_id and subject_id not in named and subject_id not in told:
                told.add(subject_id)
                near = _nearest(subject_id, named)
                message = f"{subject_id} has photographs but is not in {allocation.name}{near}"
                yield Problem(file, row["line"], "subject_id", message, incomplete=True)


def _nearest(subject_id: str, known: Iterable[str]) -> str:
    spellings = {_plain(other): other for other in known}
    same = spellings.get(_plain(subject_id))
    near = [same] if same else difflib.get_close_matches(subject_id, spellings.values(), n=1)
    return f"; is it {near[0]!r}?" if near else ""


def _plain(subject_id: str) -> str:
    """What is left of an id after Excel and hasty typing: ``P01``, ``p1`` and ``P-001`` alike."""
    letters = "".join(char for char in subject_id.casefold() if char.isalnum())
    text = letters.rstrip("0123456789")
    return text + letters[len(text) :].lstrip("0")


def check_dates(allocation: Allocation, results: Results) -> Iterator[Problem]:
    """Baseline, allocation and follow-up in the order of time.

    Parameters
    ----------
    allocation : Allocation
        The rows that could be read.
    results : Results
        The locked measurement.

    Yields
    ------
    Problem
    """
    pairing = results.config.pairing
    for row in results.failures:
        if row["reason_code"] == "visit_order":
            yield Problem(_FAILURES, row["line"], "", _failure_text(row), incomplete=True)
    days = baseline_days(results)
    waiting = allocation.by_subject()
    for row in results.measurements:
        if row["visit"] != pairing.follow_up_visit or not row["captured_on"]:
            continue
        captured = dt.date.fromisoformat(row["captured_on"])
        baseline = days.get(row["subject_id"])
        subject_id = row["subject_id"]
        if baseline and captured < baseline:
            message = (
                f"{subject_id}: {row['visit']} was photographed on {captured}, before "
                f"{pairing.baseline_visit} on {baseline}"
            )
            yield Problem(_MEASUREMENTS, row["line"], "captured_on", message)
        assignment = waiting.get(subject_id)
        if assignment and assignment.allocated_on and captured < assignment.allocated_on:
            del waiting[subject_id]  # said once, not for each half
            message = (
                f"{subject_id} was allocated on {assignment.allocated_on}, after the photograph of "
                f"{row['visit']} on {captured} ({_MEASUREMENTS}, line {row['line']})"
            )
            yield Problem(allocation.name, assignment.line, "allocated_on", message)


def _failure_text(row: Record) -> str:
    return f"{row['subject_id']} {row['side'] or ''}: {row['reason']}".replace(" :", ":")


def baseline_days(results: Results) -> dict[str, dt.date]:
    """Day of each subject's baseline, the latest where its halves differ."""
    visit = results.config.pairing.baseline_visit
    days: dict[str, dt.date] = {}
    for row in results.measurements:
        if row["visit"] == visit and row["captured_on"]:
            captured = dt.date.fromisoformat(row["captured_on"])
            days[row["subject_id"]] = max(captured, days.get(row["subject_id"], captured))
    return days


def check_questionnaires(
    questionnaires: Questionnaires,
    allocation: Allocation,
    results: Results,
    named: frozenset[str],
) -> Iterator[Problem]:
    """Answers of subjects that are not in the trial, or from before it.

    Parameters
    ----------
    questionnaires : Questionnaires
        The rows that could be read.
    allocation : Allocation
        The same.
    results : Results
        The locked measurement.
    named : frozenset of str
        Subjects of all rows of the allocation, of wrong ones too.

    Yields
    ------
    Problem
    """
    days = baseline_days(results)
    allocated = allocation.by_subject()
    for answer in questionnaires.answers:
        subject_id = answer.subject_id
        if subject_id not in named:
            message = f"{subject_id} is not in {allocation.name}{_nearest(subject_id, named)}"
            yield Problem(questionnaires.name, answer.line, "subject_id", message)
            continue
        if answer.answered_on is None:
            continue
        for what, day in (
            ("the baseline photograph", days.get(subject_id)),
            ("the allocation", _allocated_on(allocated.get(subject_id))),
        ):
            if day and answer.answered_on < day:
                message = f"{subject_id}: answered on {answer.answered_on}, before {what} on {day}"
                yield Problem(questionnaires.name, answer.line, "answered_on", message)


def _allocated_on(assignment: Assignment | None) -> dt.date | None:
    return assignment.allocated_on if assignment else None
