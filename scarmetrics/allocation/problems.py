"""What is wrong with the files that are linked, all at once and with rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from scarmetrics.errors import ScarmetricsError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong cell, row or column.

    Attributes
    ----------
    file : str
        Name of the file, without its folder.
    line : int
        Row of the table as a spreadsheet counts it, the header being 1; 0 for the whole file.
    column : str
        The column; empty for the whole row.
    message : str
        What is wrong.
    incomplete : bool
        The trial is only incomplete: a subject or half without photographs, or photographs without
        an allocation. The user may accept that.
    """

    file: str
    line: int
    column: str
    message: str
    incomplete: bool = False

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        place = f"{where}, column {self.column}" if self.column else where
        return f"{place}: {self.message}"


class Problems:
    """Instead of a result: everything that is wrong with a file. Falsy.

    Parameters
    ----------
    problems : sequence of Problem
        All of them, in reading order.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return f"Problems({len(self.problems)})"

    @property
    def reason(self) -> str:
        """All problems, one a line."""
        return "\n".join(str(problem) for problem in self.problems)


class LinkError(ScarmetricsError):
    """The files cannot be linked; carries every problem at once.

    Parameters
    ----------
    problems : sequence of Problem
        All problems of all files.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        count = len(self.problems)
        remedy = "correct the files; nothing was linked"
        if any(problem.incomplete for problem in self.problems):
            remedy += (
                ". What is really missing is accepted with --accept-incomplete, and counted in the "
                "trial flow"
            )
        super().__init__(f"{count} problem{'s' * (count != 1)}\n{lines}\n  remedy", remedy)
