"""Joins a locked measurement with the randomisation list and the questionnaires."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scarmetrics.allocation.adscar import ADSCAR, DICTIONARY, adscar_rows, dictionary_rows
from scarmetrics.allocation.checks import check_dates, check_questionnaires, check_subjects
from scarmetrics.allocation.flow import FLOW, flow_rows
from scarmetrics.allocation.halves import HALVES, half_rows, join_halves
from scarmetrics.allocation.problems import LinkError, Problem
from scarmetrics.allocation.questionnaires import (
    Questionnaires,
    parse_questionnaires,
    spell_out,
)
from scarmetrics.allocation.randomisation import Allocation, parse_allocation
from scarmetrics.allocation.results import read_results
from scarmetrics.allocation.tables import COUNT, TEXT, table
from scarmetrics.allocation.words import TrialWords
from scarmetrics.ingest.words import natural_key

if TYPE_CHECKING:
    import pandas as pd

    from scarmetrics.allocation.locking import Lock
    from scarmetrics.allocation.results import Results
    from scarmetrics.allocation.tables import Record
    from scarmetrics.config import StudyConfig

QUESTIONNAIRES = {
    "study_id": TEXT,
    "subject_id": TEXT,
    "side": TEXT,
    "treatment": TEXT,
    "procedure": TEXT,
    "kind": TEXT,
    "event": TEXT,
    "session": COUNT,
    "month": COUNT,
    "severity": COUNT,
    "score": COUNT,
    "answer": TEXT,
    "source": TEXT,
    "answered_on": TEXT,
    "reason": TEXT,
}
NOT_ANSWERED = "not_answered"


@dataclass(frozen=True)
class LinkedStudy:
    """A measurement with its allocation.

    Attributes
    ----------
    halves : pandas.DataFrame
        One row for each half and visit, and one for its change.
    adscar : pandas.DataFrame
        The same, one row for each parameter too, as ADaM BDS names things.
    dictionary : pandas.DataFrame
        What each column of `adscar` means.
    questionnaires : pandas.DataFrame
        One row for each answer; no rows where there are no questionnaires.
    flow : pandas.DataFrame
        Subjects, halves and visits: expected, measured, failed, why.
    randomisation : pandas.DataFrame
        How often each side was the treated one, with the exact test.
    accepted : tuple of Problem
        What the trial lacks, and the user accepted.
    lock : Lock
        The locked measurement.
    sources : dict of str to str
        SHA-256 of the files that were linked, by ``allocation`` and ``questionnaires``.
    """

    halves: pd.DataFrame
    adscar: pd.DataFrame
    dictionary: pd.DataFrame
    questionnaires: pd.DataFrame
    flow: pd.DataFrame
    randomisation: pd.DataFrame
    accepted: tuple[Problem, ...]
    lock: Lock
    sources: dict[str, str]


def link(
    out: Path | str,
    allocation: Path | str,
    questionnaires: Path | str | None = None,
    *,
    config: StudyConfig | None = None,
    accept_incomplete: bool = False,
) -> LinkedStudy:
    """Join a locked measurement with the allocation; write nothing.

    Parameters
    ----------
    out : path
        A folder that ``scarmetrics run`` wrote and ``scarmetrics lock`` locked.
    allocation : path
        The randomisation list, see `read_allocation`.
    questionnaires : path, optional
        See `read_questionnaires`.
    config : StudyConfig, optional
        Where to take the words of the files from (``trial``, ``ingest.views``); those of the
        measurement without it.
    accept_incomplete : bool, optional
        Accept subjects or halves without photographs and photographs without an allocation. The
        former are rows with a reason, the latter are left out; the flow counts both.

    Returns
    -------
    LinkedStudy

    Raises
    ------
    LockError
        If the measurement is not locked, or was altered.
    LinkError
        If anything is wrong with the files; carries all problems of all files.
    """
    results = read_results(Path(out))
    words = TrialWords.from_config(config or results.config)
    listed, sheet, named = parse_allocation(Path(allocation), words)
    problems = list(sheet.problems)
    answers = Questionnaires("", "", ())
    asked: list[Problem] = []
    if questionnaires is not None:
        answers, answer_sheet = parse_questionnaires(Path(questionnaires), words)
        asked += answer_sheet.problems
    if named:  # with a list that cannot be read, every subject would be missing
        problems += check_subjects(listed, results, named)
        problems += check_dates(listed, results)
        asked += check_questionnaires(answers, listed, results, named)
    problems = [*_in_order(problems, listed.name), *_in_order(asked, answers.name)]
    accepted = tuple(p for p in problems if accept_incomplete and p.incomplete)
    if len(accepted) < len(problems):
        raise LinkError([problem for problem in problems if problem not in accepted])
    sources = {"allocation": listed.sha256}
    if questionnaires is not None:
        sources["questionnaires"] = answers.sha256
    events = tuple((config or results.config).trial.events)
    return _joined(results, listed, answers, events=events, accepted=accepted, sources=sources)


def _in_order(problems: list[Problem], first: str) -> list[Problem]:
    """The file that people wrote before those that were measured, each by line."""
    return sorted(problems, key=lambda p: (p.file != first, p.file, p.line))


def _joined(
    results: Results,
    allocation: Allocation,
    questionnaires: Questionnaires,
    *,
    events: tuple[str, ...],
    accepted: tuple[Problem, ...],
    sources: dict[str, str],
) -> LinkedStudy:
    halves = join_halves(allocation, results)
    return LinkedStudy(
        halves=table(half_rows(halves, results), HALVES),
        adscar=table(adscar_rows(halves, results), ADSCAR),
        dictionary=table(dictionary_rows(), DICTIONARY),
        questionnaires=table(
            _answer_rows(questionnaires, allocation, results.config.study_id, events),
            QUESTIONNAIRES,
        ),
        flow=table(flow_rows(halves, allocation, results), FLOW),
        randomisation=allocation.side_balance(),
        accepted=accepted,
        lock=results.lock,
        sources=sources,
    )


def _answer_rows(
    questionnaires: Questionnaires, allocation: Allocation, study_id: str, events: tuple[str, ...]
) -> list[Record]:
    """Answers in a natural order; one that was not given stays empty and says so."""
    assigned = allocation.by_subject()
    rows = []
    answers = sorted(
        spell_out(questionnaires.answers, events),
        key=lambda a: (
            natural_key(a.subject_id),
            a.kind,
            a.session or a.month or 0,
            a.event,
            a.side or "",
        ),
    )
    for answer in answers:
        assignment = assigned[answer.subject_id]
        rows.append(
            {
                "study_id": study_id,
                "subject_id": answer.subject_id,
                "side": answer.side,
                "treatment": assignment.treatment(answer.side) if answer.side else None,
                "procedure": assignment.procedure,
                "kind": answer.kind,
                "event": answer.event,
                "session": answer.session,
                "month": answer.month,
                "severity": answer.score if answer.kind == "side_effect" else None,
                "score": answer.score if answer.kind == "satisfaction" else None,
                "answer": answer.answer,
                "source": answer.source,
                "answered_on": answer.answered_on.isoformat() if answer.answered_on else None,
                "reason": "" if answer.score is not None else NOT_ANSWERED,
            }
        )
    return rows
