"""The randomisation list: which subject had which procedure, and which half got what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from scipy.stats import binomtest

from scarmetrics.allocation.problems import Problems
from scarmetrics.allocation.sheet import Sheet, SheetRow, read_sheet
from scarmetrics.allocation.words import TrialWords
from scarmetrics.config import Procedure, StudyConfig, Treatment
from scarmetrics.models import SIDES, Side
from scarmetrics.provenance import sha256_of

if TYPE_CHECKING:
    import datetime as dt

ACTIVE: Treatment = "adsc_cm"
CONTROL: Treatment = "saline"
POOLED = "pooled"
_OTHER: dict[str, str] = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Assignment:
    """One subject's row of the randomisation list.

    Attributes
    ----------
    subject_id : str
        Digits as 0-9.
    procedure : {'co2_laser', 'microneedling'}
        What the whole face got.
    treated_side : {'left', 'right'}
        The half that got ADSC conditioned medium; the other one got saline.
    allocated_on : datetime.date or None
        Day of the randomisation.
    line : int
        Row in the file.
    """

    subject_id: str
    procedure: Procedure
    treated_side: Side
    allocated_on: dt.date | None
    line: int

    def treatment(self, side: Side) -> Treatment:
        """What a half got."""
        return ACTIVE if side == self.treated_side else CONTROL


@dataclass(frozen=True)
class Allocation:
    """A randomisation list without contradictions.

    Attributes
    ----------
    name : str
        The file's name.
    sha256 : str
        Hash of its bytes; empty where it could not be read.
    assignments : tuple of Assignment
        In the order of the file.
    """

    name: str
    sha256: str
    assignments: tuple[Assignment, ...]

    def by_subject(self) -> dict[str, Assignment]:
        """Assignments by subject id."""
        return {assignment.subject_id: assignment for assignment in self.assignments}

    def side_balance(self) -> pd.DataFrame:
        """How often each side was the treated one.

        Returns
        -------
        pandas.DataFrame
            One row for each procedure and one for all, ``pooled``: ``subjects``,
            ``treated_left``, ``treated_right``, ``left_share`` with its exact 95 % confidence
            limits (Clopper-Pearson) ``ci_low`` and ``ci_high``, and ``p_value`` of the exact
            binomial test that both sides are as likely (two-sided).
        """
        procedures = dict.fromkeys(a.procedure for a in self.assignments)
        rows = []
        for procedure in [*sorted(procedures), POOLED]:
            sides = [a.treated_side for a in self.assignments if procedure in (a.procedure, POOLED)]
            left = sides.count("left")
            test = binomtest(left, len(sides), 0.5)
            limits = test.proportion_ci(0.95, method="exact")
            rows.append(
                {
                    "procedure": procedure,
                    "subjects": len(sides),
                    "treated_left": left,
                    "treated_right": len(sides) - left,
                    "left_share": left / len(sides),
                    "ci_low": float(limits.low),
                    "ci_high": float(limits.high),
                    "p_value": float(test.pvalue),
                }
            )
        return pd.DataFrame(rows)


def read_allocation(path: Path | str, config: StudyConfig | None = None) -> Allocation | Problems:
    """Read a randomisation list.

    Parameters
    ----------
    path : path
        CSV or Excel workbook with the columns ``subject_id``, ``procedure``, and ``treated_side``
        (``left`` or ``right``) or ``left`` and ``right`` (each the treatment of that half), and
        optionally ``allocated_on``.
    config : StudyConfig, optional
        The words for procedures, treatments (``trial``) and sides (``ingest.views``).

    Returns
    -------
    Allocation or Problems
        `Problems` is falsy and lists everything that is wrong.

    Raises
    ------
    ConfigError
        If the config gives one spelling two meanings.
    """
    allocation, sheet, _ = parse_allocation(
        Path(path), TrialWords.from_config(config or StudyConfig())
    )
    return Problems(sheet.problems) if sheet.problems else allocation


def parse_allocation(path: Path, words: TrialWords) -> tuple[Allocation, Sheet, frozenset[str]]:
    """Read what can be read of a randomisation list.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    words : TrialWords
        How words are spelt.

    Returns
    -------
    Allocation
        The rows without problems.
    Sheet
        With every problem.
    frozenset of str
        Subjects of all rows, of wrong ones too.
    """
    sheet = read_sheet(
        path,
        required=("subject_id", "procedure"),
        optional=("treated_side", *SIDES, "allocated_on"),
    )
    sha256 = sha256_of(path) if sheet.rows else ""
    if not _check_layout(sheet):
        return Allocation(path.name, sha256, ()), sheet, frozenset()
    first: dict[str, tuple[int, Procedure | None, Side | None]] = {}
    read = [_read(row, words, first) for row in sheet.rows]
    assignments = tuple(assignment for assignment in read if assignment is not None)
    return Allocation(path.name, sha256, assignments), sheet, frozenset(first)


def _check_layout(sheet: Sheet) -> bool:
    """Whether the treated half is named in one of the two ways."""
    sides = [side for side in SIDES if side in sheet.columns]
    if not sheet.rows or "treated_side" in sheet.columns or len(sides) == 2:
        return bool(sheet.rows)
    if sides:
        there = sides[0]
        message = f"there is a column {there} but none for the other half"
        sheet.problem(sheet.header_line, _OTHER[there], message)
    else:
        message = "there is neither a column treated_side nor the two columns left and right"
        sheet.problem(sheet.header_line, "treated_side", message)
    return False


def _read(
    row: SheetRow, words: TrialWords, first: dict[str, tuple[int, Procedure | None, Side | None]]
) -> Assignment | None:
    subject_id = row.value("subject_id", words.subject_id, required=True)
    procedure = row.value("procedure", words.procedure, required=True)
    treated = _treated_side(row, words)
    allocated_on = row.value("allocated_on", words.date)
    if subject_id is None:
        return None
    if subject_id in first:
        _say_again(row, subject_id, procedure, treated, first[subject_id])
    first.setdefault(subject_id, (row.line, procedure, treated))
    if not row.good or procedure is None or treated is None:
        return None
    return Assignment(subject_id, procedure, treated, allocated_on, row.line)


def _treated_side(row: SheetRow, words: TrialWords) -> Side | None:
    """The half with the active treatment, from whichever columns there are."""
    has_pair = set(SIDES) <= row.sheet.columns
    named = None
    if "treated_side" in row.sheet.columns:
        # beside the two columns it may stay empty
        named = row.value("treated_side", words.side, required=not has_pair)
    if not has_pair:
        return named
    pair_needed = not row.text("treated_side") or any(row.text(side) for side in SIDES)
    if not pair_needed:
        return named
    left, right = (row.value(side, words.treatment, required=True) for side in SIDES)
    if left is None or right is None:
        return None
    if left == right:
        row.wrong("right", f"both halves are {left}; one half gets {ACTIVE}, the other {CONTROL}")
        return None
    treated: Side = "left" if left == ACTIVE else "right"
    if named is not None and named != treated:
        message = f"treated_side is {named}, but the column {treated} holds {ACTIVE}"
        row.wrong("treated_side", message)
        return None
    return treated


def _say_again(
    row: SheetRow,
    subject_id: str,
    procedure: Procedure | None,
    treated: Side | None,
    earlier: tuple[int, Procedure | None, Side | None],
) -> None:
    """A subject has one row; say what a second one would change."""
    line, procedure_there, treated_there = earlier
    differs = False
    if procedure and procedure_there and procedure != procedure_there:
        differs = True
        message = f"{subject_id} is in line {line} with {procedure_there} and here with {procedure}"
        row.wrong("procedure", f"{message}; a subject gets one procedure")
    if treated and treated_there and treated != treated_there:
        differs = True
        message = f"{subject_id} is treated on the {treated_there} in line {line}, here on the"
        row.wrong("treated_side", f"{message} {treated}")
    if not differs:
        row.wrong("subject_id", f"{subject_id} stands in line {line} already")
