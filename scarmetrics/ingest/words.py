"""Words in file names and cells: visits, views and sides in any spelling, digits in any script."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from scarmetrics.ingest.dates import parse_date
from scarmetrics.models import Side, View
from scarmetrics.units import ascii_digits, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scarmetrics.config import IngestConfig

Word = TypeVar("Word", bound=str)
Key = TypeVar("Key", str, dt.date)

_ARABIC_TO_PERSIAN = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک"})
_SEPARATOR = r"[\s_\u200c-]"  # the zero-width non-joiner parts Persian words as a space does
_PIECE = re.compile(rf"\d+|(?:(?!{_SEPARATOR})\D)+")
_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DATE_SEPARATOR = r"[-/._\s]?"

# Where a word may begin and end inside a name: P01L ends in 'L', but F12 does not begin with 'F'.
_LETTER = r"[^\W\d_]"
_WORD_START = rf"(?:(?<!{_LETTER})(?={_LETTER})|(?<![^\W_])(?=\d))"
_WORD_END = rf"(?:(?<={_LETTER})(?![^\W_])|(?<=\d)(?!\d))"


def fold(text: str) -> str:
    """Write text one way: NFC, digits as 0-9, Arabic yeh and kaf as Persian ones."""
    return ascii_digits(unicodedata.normalize("NFC", text)).translate(_ARABIC_TO_PERSIAN)


def hidden_character(text: str) -> str:
    """The first character that would make text be shown as something else, or nothing.

    Those are control characters, line ends, parts of bytes that are no UTF-8, and marks that turn
    the reading direction round. The joiners and marks that Persian and emoji need are none.
    """
    return next((c for c in text if unicodedata.category(c) in _HIDDEN or c in _TURNING), "")


def shown(text: str) -> str:
    """Text with its hidden characters spelt out, as tables and terminals may hold it."""
    return "".join(c if not hidden_character(c) else _spelt_out(c) for c in text)


def _spelt_out(char: str) -> str:
    return "\ufffd" if unicodedata.category(char) == "Cs" else ascii(char)[1:-1]


def natural_key(text: str) -> tuple[tuple[tuple[int, int | str], ...], str]:
    """Sort key that puts ``P2`` before ``P10``; texts that differ never compare equal."""
    parts = re.split(r"(\d+)", text.casefold())
    key = tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)
    return key, text


def _pieces(text: str) -> list[str]:
    """Words and numbers: ``Month 3``, ``month_3`` and ``month3`` are all 'month' and '3'."""
    return _PIECE.findall(fold(text).casefold())


def _key(text: str) -> str:
    return "".join(_pieces(text))


def _maybe_date(text: str) -> dt.date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


class AliasConflictError(ValueError):
    """One spelling stands for two words.

    Parameters
    ----------
    path : tuple of str
        The second use: its word, and its index among the word's spellings unless it is the word.
    message : str
        What is wrong.
    """

    def __init__(self, path: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.path = path


class AliasTable(Generic[Word]):
    """Finds the canonical word for a spelling.

    Case, the script of digits and separators (space, ``_``, ``-``, or none) make no difference; an
    alias that is a date matches that day in any way of writing it.

    Parameters
    ----------
    aliases : mapping of str to sequence of str
        Canonical word to its spellings; the word itself is one of them.

    Raises
    ------
    AliasConflictError
        If two words have a spelling in common.
    """

    def __init__(self, aliases: Mapping[Word, Sequence[str]]) -> None:
        self._words: dict[str, Word] = {}
        self._dates: dict[dt.date, Word] = {}
        fragments: set[str] = set()
        for word, spellings in aliases.items():
            places: list[tuple[tuple[str, ...], str]] = [((word,), word)]
            places += [((word, str(index)), text) for index, text in enumerate(spellings)]
            for path, spelling in places:
                pieces = _pieces(spelling)
                if not pieces:
                    continue
                _assign(self._words, "".join(pieces), word, spelling, path)
                fragments.add(f"{_SEPARATOR}*".join(re.escape(piece) for piece in pieces))
                day = _maybe_date(spelling)
                if day is not None:
                    _assign(self._dates, day, word, spelling, path)
                    fragments.add(_date_fragment(spelling))
        self.fragments = tuple(sorted(fragments, key=lambda part: (-len(part), part)))
        """Regular expressions for folded text, longest first; to be compiled ignoring case."""

    @property
    def regex(self) -> str:
        """Alternation of all spellings."""
        return f"(?:{'|'.join(self.fragments)})"

    def lookup(self, text: str) -> Word | None:
        """Canonical word that the text stands for, or None."""
        word = self._words.get(_key(text))
        if word is None:
            day = _maybe_date(text)
            word = self._dates.get(day) if day else None
        return word

    def find(self, text: str) -> re.Match[str] | None:
        """The longest known spelling inside folded text, the last one of equals, or None."""
        pattern = re.compile(f"{_WORD_START}{self.regex}{_WORD_END}", re.IGNORECASE)
        matches = [match for match in pattern.finditer(text) if self.lookup(match[0])]
        return max(matches, key=lambda match: (len(match[0]), match.start()), default=None)

    def nearest(self, text: str) -> str:
        """The known spelling most like the text, or an empty string."""
        near = difflib.get_close_matches(_key(text), list(self._words), n=1)
        return near[0] if near else ""

    def unknown(self, kind: str, text: str) -> str:
        """Say that the text is not known, and what it may have meant."""
        near = self.nearest(text)
        known = ", ".join(dict.fromkeys(self._words.values()))
        hint = f"did you mean {near!r}?" if near else f"known are {known} and their aliases"
        return f"{kind} {quoted(text)} is not known; {hint}"


def _assign(
    table: dict[Key, Word], key: Key, word: Word, spelling: str, path: tuple[str, ...]
) -> None:
    if table.setdefault(key, word) != word:
        message = f"the alias {spelling!r} stands for both {table[key]!r} and {word!r}"
        raise AliasConflictError(path, message)


def _date_fragment(spelling: str) -> str:
    digits = re.sub(r"\D", " ", fold(spelling)).split()
    if len(digits) == 1:
        digits = [digits[0][:4], digits[0][4:6], digits[0][6:8]]
    year, month, day = (int(part) for part in digits[:3])
    return f"{year}{_DATE_SEPARATOR}0?{month}{_DATE_SEPARATOR}0?{day}"


@dataclass(frozen=True)
class Vocabulary:
    """The study's words for visits and views.

    Attributes
    ----------
    visits, views : AliasTable
        Spellings from the config.
    """

    visits: AliasTable[str]
    views: AliasTable[View]

    @classmethod
    def from_config(cls, config: IngestConfig) -> Vocabulary:
        """The words that a configuration knows.

        Raises
        ------
        ConfigError
            If one spelling stands for two visits or two views.
        """
        section = "visits"
        try:
            visits = AliasTable(config.visits)
            section = "views"
            return cls(visits, AliasTable(config.views))
        except AliasConflictError as conflict:
            path = ("ingest", section, *conflict.path)
            raise config.error_at(path, str(conflict), "remove it from one of them") from None

    def side(self, text: str) -> Side | None:
        """Side of the patient that the text stands for, or None."""
        word = self.views.lookup(text)
        return None if word == "frontal" else word
