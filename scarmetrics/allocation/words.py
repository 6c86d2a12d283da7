"""The trial's words, in any spelling that the config knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from scarmetrics.ingest.cells import CellError, CellParser
from scarmetrics.ingest.words import AliasConflictError, AliasTable, Vocabulary
from scarmetrics.units import ascii_digits

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from scarmetrics.config import Procedure, StudyConfig, Treatment
    from scarmetrics.models import Side

Word = TypeVar("Word", bound=str)

_TABLES = ("procedures", "treatments", "events", "severities", "satisfactions")
SEVERITY_FROM, SATISFACTION_FROM = 0, 1


@dataclass(frozen=True)
class TrialWords:
    """Parsers of cells; each raises `CellError` for what it does not know."""

    procedures: AliasTable[Procedure]
    treatments: AliasTable[Treatment]
    events: AliasTable[str]
    severities: AliasTable[str]
    satisfactions: AliasTable[str]
    scales: dict[str, tuple[str, ...]]
    cells: CellParser

    @classmethod
    def from_config(cls, config: StudyConfig) -> TrialWords:
        """The words that a configuration knows.

        Raises
        ------
        ConfigError
            If one spelling stands for two words.
        """
        section = ""
        tables = {}
        try:
            for section in _TABLES:
                tables[section] = AliasTable(getattr(config.trial, section))
        except AliasConflictError as conflict:
            path = ("trial", section, *conflict.path)
            raise config.error_at(path, str(conflict), "remove it from one of them") from None
        scales = {name: tuple(getattr(config.trial, name)) for name in _TABLES[3:]}
        cells = CellParser(Vocabulary.from_config(config.ingest))
        return cls(**tables, scales=scales, cells=cells)

    def subject_id(self, text: str) -> str:
        """Subject id, digits as 0-9."""
        return self.cells.subject_id(text)

    def side(self, text: str) -> Side:
        """Side of the patient."""
        return self.cells.side(text)

    def date(self, text: str) -> dt.date:
        """A day, ISO or Jalali."""
        return self.cells.captured_on(text)

    def procedure(self, text: str) -> Procedure:
        """What the whole face got."""
        return _look_up(self.procedures, "the procedure", text)

    def treatment(self, text: str) -> Treatment:
        """What one half got."""
        return _look_up(self.treatments, "the treatment", text)

    def event(self, text: str) -> str:
        """A side effect."""
        return _look_up(self.events, "the event", text)

    def severity(self, text: str) -> int:
        """Score of a severity, from 0."""
        return self._score(self.severities, "severities", SEVERITY_FROM, text)

    def satisfaction(self, text: str) -> int:
        """Score of a satisfaction, from 1."""
        return self._score(self.satisfactions, "satisfactions", SATISFACTION_FROM, text)

    def answer(self, kind: str, score: int) -> str:
        """The word that a score stands for."""
        if kind == "satisfaction":
            return self.scales["satisfactions"][score - SATISFACTION_FROM]
        return self.scales["severities"][score - SEVERITY_FROM]

    def _score(self, table: AliasTable[str], name: str, lowest: int, text: str) -> int:
        scale = self.scales[name]
        word = table.lookup(text)
        if word is not None:
            return scale.index(word) + lowest
        plain = ascii_digits(text)
        highest = lowest + len(scale) - 1
        if plain.isdecimal() and len(plain) < 4 and lowest <= int(plain) <= highest:
            return int(plain)
        raise CellError(
            "bad_value",
            f"{text!r} is neither a score from {lowest} to {highest} nor one of {', '.join(scale)}",
        )


def whole_number(allowed: tuple[int, ...], what: str) -> Callable[[str], int]:
    """Parser of a number that may only have some values."""

    def parse(text: str) -> int:
        plain = ascii_digits(text).strip()
        if plain.isdecimal() and len(plain) < 4 and int(plain) in allowed:
            return int(plain)
        known = ", ".join(map(str, allowed))
        raise CellError("bad_value", f"{text!r} is no {what}; known are {known}")

    return parse


def _look_up(table: AliasTable[Word], kind: str, text: str) -> Word:
    word = table.lookup(text)
    if word is None:
        raise CellError("unknown_alias", table.unknown(kind, text))
    return word
