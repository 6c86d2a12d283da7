"""A reader's exported decisions, read back with everything that is wrong in them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.errors import ManifestError
from scarmetrics.ingest.tables import Row, read_rows
from scarmetrics.report.folder import HalfKey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COLUMNS = ("reader", "subject_id", "side", "decision", "reason", "decided_at", "result_hash")
DECISIONS = ("accept", "reject", "query")
_MAY_BE_EMPTY = {"reason"}
_FORMULA = re.compile(r"['=+\-@\t\r]")


@dataclass(frozen=True)
class Decision:
    """What one reader decided on one half.

    Attributes
    ----------
    reader : str
        Initials or name.
    half : HalfKey
        Subject and side.
    decision : {'accept', 'reject', 'query'}
        The word.
    reason : str
        Never empty for reject and query.
    decided_at : datetime.datetime
        With its zone.
    result_hash : str
        Of the result that the reader saw.
    where : str
        File and line.
    """

    reader: str
    half: HalfKey
    decision: str
    reason: str
    decided_at: dt.datetime
    result_hash: str
    where: str

    @property
    def content(self) -> tuple[str, str, dt.datetime]:
        """What two lines on the same half must agree in to be the same decision."""
        return self.decision, self.reason, self.decided_at


def neutral(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; `plain` takes the apostrophe off again."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(text: str) -> str:
    """A cell as it was before `neutral`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text


def read_review(path: Path, hashes: Mapping[HalfKey, str], problems: list[str]) -> list[Decision]:
    """Read one exported file against the results it should be about.

    Parameters
    ----------
    path : pathlib.Path
        As exported, or saved by a spreadsheet (comma, semicolon or tab; with or without a byte
        order mark; ``.xlsx``).
    hashes : mapping of HalfKey to str
        `half_result_hash` of every half.
    problems : list of str
        Everything that is wrong is added here, with file and line.

    Returns
    -------
    list of Decision
        The sound lines.
    """
    try:
        rows = read_rows(path)
    except ManifestError as error:
        problems += [f"{path.name}: {problem.message}" for problem in error.problems]
        return []
    if not rows:
        problems.append(f"{path.name}: the file is empty")
        return []
    header = [re.sub(r"[\s-]+", "_", cell.casefold()) for cell in rows[0].cells]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        problems.append(
            f"{path.name}, line {rows[0].line}: columns are missing: {', '.join(missing)}"
        )
        return []
    twice = [name for name in COLUMNS if header.count(name) > 1]
    if twice:
        problems.append(f"{path.name}, line {rows[0].line}: columns twice: {', '.join(twice)}")
        return []
    decisions = [_read_row(path.name, header, row, hashes, problems) for row in rows[1:]]
    return [decision for decision in decisions if decision is not None]


def _read_row(
    name: str, header: list[str], row: Row, hashes: Mapping[HalfKey, str], problems: list[str]
) -> Decision | None:
    where = f"{name}, line {row.line}"
    cells = dict(zip(header, (plain(cell) for cell in row.cells), strict=False))
    texts = {column: " ".join(cells.get(column, "").split()) for column in COLUMNS}
    found = [
        f"{column} is empty" for column in COLUMNS
        if not texts[column] and column not in _MAY_BE_EMPTY
    ]  # fmt: skip
    if any(row.cells[len(header) :]):
        found.append("the line has more cells than the header")
    word = texts["decision"].casefold()
    if word and word not in DECISIONS:
        found.append(f"decision is {word!r}: use accept, reject or query")
    if word in {"reject", "query"} and not texts["reason"]:
        found.append(f"{word} needs a reason")
    half = HalfKey(texts["subject_id"], texts["side"].casefold())
    found += _wrong_half(half, texts["result_hash"].casefold(), hashes)
    time = _time(texts["decided_at"])
    if texts["decided_at"] and time is None:
        found.append(
            f"decided_at is {texts['decided_at']!r}: not a time with its zone, such as "
            "2026-01-05T09:30:00+03:30"
        )
    problems += [f"{where}: {what}" for what in found]
    if found or time is None:
        return None
    return Decision(
        texts["reader"], half, word, texts["reason"], time, texts["result_hash"].casefold(), where
    )


def _wrong_half(half: HalfKey, result_hash: str, hashes: Mapping[HalfKey, str]) -> list[str]:
    if not half.subject_id or not half.side:
        return []
    if half not in hashes:
        same = [key for key, known in hashes.items() if known == result_hash]
        hint = ""
        if same:
            hint = (
                f"; its result is that of {same[0].subject_id} {same[0].side}: did a spreadsheet "
            )
            hint += "change the id?"
        return [f"there is no half {half.subject_id} {half.side} in this run{hint}"]
    if result_hash and hashes[half] != result_hash:
        return [
            f"{half.subject_id} {half.side} was decided on another result than the one that is "
            "here now; it must be looked at again"
        ]
    return []


def _time(text: str) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
