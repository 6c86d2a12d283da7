"""Guesses subject, visit, view and date from paths that no declared pattern fits."""

from __future__ import annotations

import datetime as dt
import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from scarmetrics.ingest.dates import parse_date
from scarmetrics.ingest.words import fold
from scarmetrics.models import valid_subject_id

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from scarmetrics.ingest.words import AliasTable, Vocabulary, Word

_DATE = re.compile(r"(?<!\d)\d{4}([-_. ]?)\d{1,2}\1\d{1,2}(?!\d)")
_EDGES = " _-.()[]"
_CUT = "/"  # stands where something was understood; cannot occur within a name


@dataclass(frozen=True)
class DraftRow:
    """One row of a drafted manifest; empty where nothing could be guessed.

    Attributes
    ----------
    path, subject_id, visit, view, captured_on, light, mm_per_px, mm_per_px_rel_sd, side : str
        The manifest's columns.
    confirm : str
        What was guessed, from what, and what is left to fill in; empty where nothing was. A
        manifest is refused until a person has cleared it.
    """

    path: str
    subject_id: str = ""
    visit: str = ""
    view: str = ""
    captured_on: str = ""
    light: str = ""
    mm_per_px: str = ""
    mm_per_px_rel_sd: str = ""
    side: str = ""
    confirm: str = ""


class Clue(NamedTuple):
    """A word and the text in the path that it comes from."""

    word: str
    text: str


@dataclass(frozen=True)
class Clues:
    """What one path suggests before it is compared with the others.

    Attributes
    ----------
    path : str
        Below the exports folder.
    visit, view, date : Clue or None
        Known words and an ISO date found in it.
    rest : mapping of str to str
        Text that was not understood, by its place in the path, likely places of a subject first.
    """

    path: str
    visit: Clue | None
    view: Clue | None
    date: Clue | None
    rest: Mapping[str, str]


def find_clues(relative: str, words: Vocabulary) -> Clues:
    """Look for known words and a date in a path.

    Parameters
    ----------
    relative : str
        Path below the exports folder.
    words : Vocabulary
        The known visits and views.

    Returns
    -------
    Clues
    """
    visit = view = date = None
    rest: list[str] = []
    # The file's own name says more than its folder's, and inner folders more than outer ones.
    for part in reversed(fold(posixpath.splitext(relative)[0]).split("/")):
        found, left = _take_word(part, words.visits)
        visit = visit or found
        found, left = _take_date(left)
        date = date or found
        found, left = _take_word(left, words.views)
        view = view or found
        rest.append(left)
    return Clues(relative, visit, view, date, _rest_by_place(rest))


def guess_rows(
    clues: Sequence[Clues], visits: Sequence[str], known_subjects: Container[str]
) -> list[DraftRow]:
    """Turn clues into rows, comparing the paths with each other.

    Parameters
    ----------
    clues : sequence of Clues
        Of all photographs that no pattern fits.
    visits : sequence of str
        Canonical visits, earliest first; a subject with two dates gets the first two.
    known_subjects : container of str
        Subjects that the patterns found in other paths.

    Returns
    -------
    list of DraftRow
        In the same order.
    """
    places = _rank_places(clues)
    subjects = [_subject_of(clue, places, known_subjects) for clue in clues]
    dates: dict[str, set[str]] = defaultdict(set)
    for subject, clue in zip(subjects, clues, strict=True):
        if subject and clue.date:
            dates[subject.word].add(clue.date.word)
    return [
        _row(clue, subject, sorted(dates[subject.word]) if subject else [], visits)
        for subject, clue in zip(subjects, clues, strict=True)
    ]


def _take_word(text: str, table: AliasTable[Word]) -> tuple[Clue | None, str]:
    """Find a known word and cut it out of the text."""
    match = table.find(text)
    if match is None:
        return None, text
    word = table.lookup(match[0])
    return Clue(word or "", match[0]), _cut(text, match)


def _take_date(text: str) -> tuple[Clue | None, str]:
    for match in _DATE.finditer(text):
        try:
            day: dt.date = parse_date(match[0])
        except ValueError:
            continue
        return Clue(day.isoformat(), match[0]), _cut(text, match)
    return None, text


def _cut(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]}{_CUT}{text[match.end() :]}"


def _rest_by_place(parts: Sequence[str]) -> dict[str, str]:
    """Name each piece of left-over text: inner folders first, then the file name and its words."""
    name, *folders = parts
    places: dict[str, str] = {}
    for depth, folder in zip(range(len(folders), 0, -1), folders, strict=True):
        places.update(_pieces(f"folder {depth}", folder))
    places.update(_pieces("name", name))
    tokens = re.findall(r"[^\W_]+", name)
    places.update({f"word {index}": token for index, token in enumerate(tokens, start=1)})
    return places


def _pieces(place: str, text: str) -> dict[str, str]:
    pieces = [piece for part in text.split(_CUT) if (piece := part.strip(_EDGES))]
    return {f"{place} piece {index}": piece for index, piece in enumerate(pieces, start=1)}


def _rank_places(clues: Sequence[Clues]) -> list[str]:
    """Order places in the path by how well they would serve as the subject.

    The subject is what tells photographs of the same visit and view apart, and what several
    photographs share; a running number tells them apart as well but is never shared.
    """
    order = {place: None for clue in clues for place in clue.rest}
    known = any(clue.visit and clue.view for clue in clues)

    def score(place: str) -> tuple[int, bool, int]:
        having = [clue for clue in clues if place in clue.rest]
        told_apart = {
            (clue.rest[place], clue.visit.word, clue.view.word)
            for clue in having
            if clue.visit and clue.view
        }
        values = {clue.rest[place] for clue in having}
        return len(told_apart), len(values) < len(having), -len(values) if known else len(values)

    return sorted(order, key=score, reverse=True)


def _subject_of(clues: Clues, places: Sequence[str], known: Container[str]) -> Clue | None:
    candidates = [
        Clue(subject_id, clues.rest[place])
        for place in places
        if place in clues.rest and (subject_id := _as_subject_id(clues.rest[place]))
    ]
    recognised = [candidate for candidate in candidates if candidate.word in known]
    return next(iter(recognised or candidates), None)


def _as_subject_id(text: str) -> str:
    cleaned = re.sub(r"[^\w.-]+", "-", text).lstrip("_-.")[:64]
    try:
        return valid_subject_id(cleaned)
    except ValueError:
        return ""


def _row(
    clues: Clues, subject: Clue | None, dates: Sequence[str], visits: Sequence[str]
) -> DraftRow:
    visit = clues.visit
    if visit is None and clues.date and len(dates) == 2 and len(visits) >= 2:
        visit = Clue(visits[dates.index(clues.date.word)], clues.date.text)
    notes = [_note(name, clue) for name, clue in (("visit", visit), ("view", clues.view))]
    notes.append(_note("subject", subject) + ("; use a code, not a name" if subject else ""))
    if clues.date:
        notes.append(_note("date", clues.date))
    return DraftRow(
        path=clues.path,
        subject_id=subject.word if subject else "",
        visit=visit.word if visit else "",
        view=clues.view.word if clues.view else "",
        captured_on=clues.date.word if clues.date else "",
        confirm="; ".join(notes),
    )


def _note(name: str, clue: Clue | None) -> str:
    if clue is None:
        return f"{name} not found, fill it in"
    return f"{name} guessed from {clue.text!r}"
