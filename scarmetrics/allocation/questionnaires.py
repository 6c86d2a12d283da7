"""Questionnaires: side effects after each session, satisfaction months after the last one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scarmetrics.allocation.problems import Problems
from scarmetrics.allocation.sheet import Sheet, SheetRow, read_sheet
from scarmetrics.allocation.words import SEVERITY_FROM, TrialWords, whole_number
from scarmetrics.config import StudyConfig
from scarmetrics.config.trial import NO_EVENT
from scarmetrics.ingest.cells import CellError
from scarmetrics.ingest.words import AliasTable
from scarmetrics.provenance import sha256_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from scarmetrics.models import Side

Kind = Literal["side_effect", "satisfaction"]

SESSIONS = (1, 2, 3, 4)
MONTHS = (3, 6)
_KINDS: AliasTable[Kind] = AliasTable(
    {
        "side_effect": ("side effects", "adverse event", "ae", "عارضه", "عوارض"),
        "satisfaction": ("satisfied", "patient satisfaction", "رضایت"),
    }
)
_NOT_FOR: dict[Kind, tuple[str, ...]] = {
    "side_effect": ("month",),
    "satisfaction": ("event", "session"),
}


@dataclass(frozen=True)
class Answer:
    """One answer of a questionnaire.

    Attributes
    ----------
    subject_id : str
        Digits as 0-9.
    kind : {'side_effect', 'satisfaction'}
        What was asked.
    side : {'left', 'right'} or None
        The half; None where the patient was asked about the whole face.
    event : str
        The side effect; empty for satisfaction.
    session : int or None
        For side effects, which one of the four sessions, one week before.
    month : int or None
        For satisfaction, 3 or 6 months after the last treatment.
    score : int or None
        Severity from 0, satisfaction from 1; None where the question was not answered.
    answer : str
        The score's word; empty where there is no score.
    answered_on : datetime.date or None
        The day.
    line : int
        Row in the file.
    source : {'answer', 'none'}
        ``none`` where the answer was that there was no side effect at all.
    """

    subject_id: str
    kind: Kind
    side: Side | None
    event: str
    session: int | None
    month: int | None
    score: int | None
    answer: str
    answered_on: dt.date | None
    line: int
    source: str = "answer"

    @property
    def when(self) -> str:
        """The session or the month, as a person says it."""
        return f"session {self.session}" if self.kind == "side_effect" else f"month {self.month}"


@dataclass(frozen=True)
class Questionnaires:
    """All answers, without contradictions.

    Attributes
    ----------
    name : str
        The file's name.
    sha256 : str
        Hash of its bytes; empty where it could not be read.
    answers : tuple of Answer
        In the order of the file.
    """

    name: str
    sha256: str
    answers: tuple[Answer, ...]


def read_questionnaires(
    path: Path | str, config: StudyConfig | None = None
) -> Questionnaires | Problems:
    """Read a table of questionnaires.

    Parameters
    ----------
    path : path
        CSV or Excel workbook with the columns ``subject_id``, ``kind`` (``side_effect`` or
        ``satisfaction``) and ``score`` (or ``severity``), and as the kind needs them ``side``,
        ``event``, ``session`` (1 to 4), ``month`` (3 or 6); optionally ``answered_on``.
    config : StudyConfig, optional
        The words for events and answers (``trial``) and sides (``ingest.views``).

    Returns
    -------
    Questionnaires or Problems
        `Problems` is falsy and lists everything that is wrong.

    Raises
    ------
    ConfigError
        If the config gives one spelling two meanings.
    """
    words = TrialWords.from_config(config or StudyConfig())
    questionnaires, sheet = parse_questionnaires(Path(path), words)
    return Problems(sheet.problems) if sheet.problems else questionnaires


def parse_questionnaires(path: Path, words: TrialWords) -> tuple[Questionnaires, Sheet]:
    """Read what can be read of a table of questionnaires: the answers, and every problem."""
    sheet = read_sheet(
        path,
        required=("subject_id", "kind", "score"),
        optional=("side", "event", "session", "month", "answered_on"),
        renamed={"severity": "score"},
    )
    sha256 = sha256_of(path) if sheet.rows else ""
    read = [_read(row, words) for row in sheet.rows]
    answers = [answer for answer in read if answer is not None]
    _check_repeats(sheet, answers)
    _check_nothing(sheet, answers)
    _check_order(sheet, answers)
    sheet.problems.sort(key=lambda problem: problem.line)
    return Questionnaires(path.name, sha256, tuple(answers)), sheet


def _kind(text: str) -> Kind:
    kind = _KINDS.lookup(text)
    if kind is None:
        raise CellError("unknown_alias", _KINDS.unknown("the kind", text))
    return kind


def _read(row: SheetRow, words: TrialWords) -> Answer | None:
    subject_id = row.value("subject_id", words.subject_id, required=True)
    kind = row.value("kind", _kind, required=True)
    if kind is None:
        return None
    asked_of_half = kind == "side_effect"
    for column in _NOT_FOR[kind]:
        if row.text(column):
            row.wrong(column, f"must be empty: {kind} has no {column}")
    side = row.value("side", words.side, required=asked_of_half)
    event = session = month = None
    if asked_of_half:
        event = row.value("event", words.event, required=True)
        session = row.value("session", whole_number(SESSIONS, "session"), required=True)
        score = row.value("score", words.severity)
        if event == NO_EVENT:
            if score is not None and score != SEVERITY_FROM:
                row.wrong("score", f"there was no event, but its severity is {row.text('score')!r}")
            score = SEVERITY_FROM  # which is what the event says
    else:
        month = row.value("month", whole_number(MONTHS, "month of this questionnaire"),
                          required=True)  # fmt: skip
        score = row.value("score", words.satisfaction)
    answered_on = row.value("answered_on", words.date)
    if not row.good or subject_id is None:
        return None
    return Answer(
        subject_id=subject_id,
        kind=kind,
        side=side,
        event=event or "",
        session=session,
        month=month,
        score=score,
        answer="" if score is None else words.answer(kind, score),
        answered_on=answered_on,
        line=row.line,
    )


def spell_out(answers: Iterable[Answer], events: Iterable[str]) -> list[Answer]:
    """Answers with each 'no side effect' as what it says: every event, and none of them there.

    A half without side effects could not be compared otherwise with one that had some.

    Parameters
    ----------
    answers : iterable of Answer
        As they were read.
    events : iterable of str
        The side effects that the trial asks for.
    """
    answers = list(answers)
    told = {_question(answer) for answer in answers}
    spelt = [answer for answer in answers if answer.event != NO_EVENT]
    for answer in answers:
        if answer.event == NO_EVENT:
            each = [
                replace(answer, event=event, source=NO_EVENT)
                for event in events
                if event != NO_EVENT
            ]
            spelt += [one for one in each if _question(one) not in told]
    return spelt


def _question(answer: Answer) -> Answer:
    """What was asked, without what was answered."""
    return replace(answer, score=None, answer="", answered_on=None, line=0, source="")


def _check_repeats(sheet: Sheet, answers: Iterable[Answer]) -> None:
    first: dict[Answer, int] = {}
    for answer in answers:
        line = first.setdefault(_question(answer), answer.line)
        if line != answer.line:
            sheet.problem(answer.line, "", f"the same question is answered in line {line} already")


def _check_nothing(sheet: Sheet, answers: Iterable[Answer]) -> None:
    """'No side effect' and a side effect exclude each other."""
    asked: dict[tuple[str, str | None, int | None], list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.kind == "side_effect":
            asked[answer.subject_id, answer.side, answer.session].append(answer)
    for group in asked.values():
        nothing = next((answer for answer in group if answer.event == NO_EVENT), None)
        for answer in group:
            if nothing and answer.event != NO_EVENT and (answer.score or 0) > SEVERITY_FROM:
                message = f"line {nothing.line} says that there was no side effect at this session"
                sheet.problem(answer.line, "event", message)


def _check_order(sheet: Sheet, answers: Iterable[Answer]) -> None:
    """Sessions and months follow one another in time."""
    by_subject: dict[tuple[str, Kind], list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.answered_on:
            by_subject[answer.subject_id, answer.kind].append(answer)
    for group in by_subject.values():
        latest: Answer | None = None
        for answer in sorted(group, key=lambda a: (a.session or a.month or 0, a.line)):
            if latest and _before(answer, latest) and answer.when != latest.when:
                sheet.problem(
                    answer.line,
                    "answered_on",
                    f"{answer.when} was answered on {answer.answered_on}, before "
                    f"{latest.when} on {latest.answered_on} (line {latest.line})",
                )
            elif latest is None or not _before(answer, latest):
                latest = answer


def _before(answer: Answer, other: Answer) -> bool:
    return bool(answer.answered_on and other.answered_on and answer.answered_on < other.answered_on)
