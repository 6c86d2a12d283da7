"""Several readers' decisions, merged: agreement, and the changes with what was decided."""

from __future__ import annotations

import csv
import io
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from scarmetrics.errors import UsageError
from scarmetrics.provenance import atomic_path
from scarmetrics.report.folder import HalfKey, read_folder
from scarmetrics.report.hashes import half_hashes
from scarmetrics.report.review_file import COLUMNS, DECISIONS, Decision, neutral, read_review

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

REVIEW = "review"
ADDED = ("qc_reader", "qc_reader_n", "qc_reader_reasons")
"""Columns that ``changes_reviewed.csv`` has besides those of ``changes.csv``."""
_DISAGREE = "disagree"


@dataclass(frozen=True)
class Agreement:
    """How far two readers agree on the halves that both decided.

    Attributes
    ----------
    readers : tuple of str
        The two.
    halves : int
        That both decided.
    share : float or None
        Same decision, 0 to 1; None without such halves.
    kappa : float or None
        Cohen's kappa, unweighted [1]_; None where both said one and the same word throughout, since
        no agreement beyond chance can be told then.

    References
    ----------
    .. [1] Cohen J. A coefficient of agreement for nominal scales. Educ Psychol Meas 1960;20:37-46.
    """

    readers: tuple[str, str]
    halves: int
    share: float | None
    kappa: float | None


@dataclass(frozen=True)
class Review:
    """Decisions of all readers on one run.

    Attributes
    ----------
    decisions : tuple of Decision
        The latest of each reader on each half, sorted by half and reader.
    readers : tuple of str
        Who decided.
    undecided : tuple of HalfKey
        Halves that nobody decided.
    disagreements : tuple of HalfKey
        Halves on which the readers' decisions differ.
    agreement : Agreement or None
        Where there are exactly two readers.
    stale : int
        Decisions of an earlier import that are about other results and were left out.
    """

    decisions: tuple[Decision, ...]
    readers: tuple[str, ...]
    undecided: tuple[HalfKey, ...]
    disagreements: tuple[HalfKey, ...]
    agreement: Agreement | None
    stale: int = 0

    def of(self, half: HalfKey) -> list[Decision]:
        """Every reader's decision on a half."""
        return [decision for decision in self.decisions if decision.half == half]


def import_reviews(out: Path, files: Sequence[Path]) -> Review:
    """Read, check and merge readers' files, and write ``OUT/review``.

    Writes ``decisions.csv``, ``disagreements.csv`` and ``changes_reviewed.csv``; no file of the
    measurement is touched. What an earlier import left in ``decisions.csv`` is kept, unless it is
    about results that have changed since; a later decision of the same reader takes its place.

    Parameters
    ----------
    out : pathlib.Path
        A folder that ``scarmetrics run`` wrote to.
    files : sequence of pathlib.Path
        Exported ``review.csv`` files; several of one reader are taken together.

    Returns
    -------
    Review

    Raises
    ------
    UsageError
        If OUT is no such folder, or anything is wrong with the files: all of it is listed, with
        lines, and nothing is written.
    """
    folder = read_folder(out)
    hashes = half_hashes(folder)
    problems: list[str] = []
    decisions: list[Decision] = []
    for path in files:
        known = len(problems)
        found = read_review(path, hashes, problems)
        if not found and len(problems) == known:
            problems.append(f"{path.name}: it holds no decision")
        decisions += found
    stale: list[str] = []
    earlier = out / REVIEW / "decisions.csv"
    if earlier.is_file() and not problems:
        decisions += read_review(earlier, hashes, stale)
    latest = _latest(decisions, problems)
    if problems:
        lines = "\n".join(f"  {problem}" for problem in problems)
        count = len(problems)
        raise UsageError(
            f"{count} problem{'s' * (count != 1)} in the decisions:\n{lines}\n  remedy",
            "correct the files, or decide again on the pages of this run; nothing was written",
        )
    review = replace(merged(latest, folder.halves), stale=len(stale))
    _write(out, review)
    return review


def merged(decisions: Iterable[Decision], halves: Sequence[HalfKey]) -> Review:
    """Put together one decision of each reader on each half."""
    ordered = tuple(sorted(decisions, key=lambda one: (one.half, one.reader)))
    readers = tuple(sorted({decision.reader for decision in ordered}))
    words = {
        half: {decision.decision for decision in group}
        for half, group in groupby(ordered, key=lambda one: one.half)
    }
    return Review(
        ordered,
        readers,
        undecided=tuple(half for half in halves if half not in words),
        disagreements=tuple(half for half, found in words.items() if len(found) > 1),
        agreement=_agreement(ordered, readers) if len(readers) == 2 else None,
    )


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Cohen's kappa of two readers' words on the same halves; None where it is undefined."""
    count = len(first)
    if not count:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    chance = sum(first.count(word) * second.count(word) for word in DECISIONS) / count**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def _agreement(decisions: Sequence[Decision], readers: Sequence[str]) -> Agreement:
    first, second = (
        {one.half: one.decision for one in decisions if one.reader == reader} for reader in readers
    )
    both = [half for half in first if half in second]
    words = [first[half] for half in both], [second[half] for half in both]
    same = sum(a == b for a, b in zip(*words, strict=True))
    share = same / len(both) if both else None
    return Agreement((readers[0], readers[1]), len(both), share, cohens_kappa(*words))


def _latest(decisions: Iterable[Decision], problems: list[str]) -> list[Decision]:
    """The latest decision of each reader on each half.

    The same line twice is no conflict: a reader may export more than once. Different decisions at
    the same time are one, since neither is the later.
    """
    latest: dict[tuple[str, HalfKey], Decision] = {}
    for decision in decisions:
        key = decision.reader, decision.half
        known = latest.get(key)
        if known is None or decision.decided_at > known.decided_at:
            latest[key] = decision
        elif decision.decided_at == known.decided_at and decision.content != known.content:
            problems.append(
                f"{decision.where}: {decision.reader} decided {' '.join(decision.half)} otherwise "
                f"at the same time in {known.where}"
            )
    return list(latest.values())


def _write(out: Path, review: Review) -> None:
    texts = {
        "decisions.csv": _decisions_csv(review.decisions),
        "disagreements.csv": _decisions_csv(
            decision for half in review.disagreements for decision in review.of(half)
        ),
        "changes_reviewed.csv": _changes_csv(out, review),
    }
    try:
        with ExitStack() as whole:  # all take their places at the end, or none does
            for name, text in texts.items():
                part = whole.enter_context(atomic_path(out / REVIEW / name))
                part.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(
            f"{out.name}/{REVIEW} cannot be written ({error.strerror})",
            "check its permissions and the disk's free space",
        ) from error


def _decisions_csv(decisions: Iterable[Decision]) -> str:
    rows = [
        (one.reader, *one.half, one.decision, one.reason, one.decided_at.isoformat(),
         one.result_hash)
        for one in decisions
    ]  # fmt: skip
    return _csv([COLUMNS, *([neutral(cell) for cell in row] for row in rows)])


def _changes_csv(out: Path, review: Review) -> str:
    """``changes.csv`` cell for cell, with the readers' columns behind."""
    decided: Mapping[HalfKey, list[Decision]] = {
        half: list(group) for half, group in groupby(review.decisions, key=lambda one: one.half)
    }
    path = out / "changes.csv"
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    header, *rows = csv.reader(io.StringIO(text or "subject_id,side\n", newline=""))
    if not {"subject_id", "side"} <= {*header}:
        raise UsageError("changes.csv has no columns subject_id and side", "measure again")
    subject, side = header.index("subject_id"), header.index("side")
    rows = [row for row in rows if len(row) > max(subject, side)]
    lines: list[Sequence[str]] = [[*header, *ADDED]]
    for row in rows:
        found = decided.get(HalfKey(row[subject], row[side]), [])
        words = {decision.decision for decision in found}
        word = _DISAGREE if len(words) > 1 else "".join(words)
        reasons = " | ".join(f"{one.reader}: {one.reason}" for one in found if one.reason)
        lines.append([*row, word, str(len(found)), neutral(reasons)])
    return _csv(lines)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
