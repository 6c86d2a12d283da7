"""Questionnaires: what is read, what is refused, nothing imputed."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_trial import write_allocation

from scarmetrics.allocation import Problems, Questionnaires, read_questionnaires
from scarmetrics.config import parse_config

HEADER = "subject_id,kind,side,event,session,month,score,answered_on"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.csv"


def read(path: Path, *rows: str) -> Questionnaires:
    read = read_questionnaires(write_allocation(path, *rows, header=HEADER))
    assert isinstance(read, Questionnaires), read.reason
    return read


def test_both_kinds_are_read(path: Path) -> None:
    answers = read(
        path,
        "P01,side_effect,left,erythema,1,,mild,1400/03/18",
        "P01,adverse event,R,Redness,۱,,۲,",
        "P01,satisfaction,,,,3,satisfied,",
        "P01,satisfaction,left,,,6,5,",
        "P01,side_effect,left,pain,2,,,",
    ).answers
    first, second, whole, half, empty = answers
    assert (first.event, first.session, first.score, first.answer) == ("erythema", 1, 1, "mild")
    assert first.answered_on == dt.date(2021, 6, 8)
    assert (second.side, second.event, second.score) == ("right", "erythema", 2)
    assert (whole.side, whole.month, whole.score, whole.answer) == (None, 3, 4, "satisfied")
    assert (half.side, half.score, half.answer) == ("left", 5, "very_satisfied")
    assert (empty.score, empty.answer) == (None, "")


def test_the_score_column_may_be_called_severity(path: Path) -> None:
    write_allocation(
        path,
        "P01,side_effect,left,pain,1,severe",
        header="subject_id,kind,side,event,session,severity",
    )
    answers = read_questionnaires(path)
    assert isinstance(answers, Questionnaires)
    assert answers.answers[0].score == 3


def test_events_and_answers_come_from_the_config(path: Path) -> None:
    config = parse_config(
        "trial:\n  events: {numbness: [numb]}\n  severities: {low: [], middle: [], strong: []}\n"
    )
    write_allocation(path, "P01,side_effect,left,numb,1,,strong,", header=HEADER)
    answers = read_questionnaires(path, config)
    assert isinstance(answers, Questionnaires)
    assert (answers.answers[0].event, answers.answers[0].score) == ("numbness", 2)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["P01,mood,left,pain,1,,1,"], "column kind: the kind 'mood' is not known"),
        (["P01,side_effect,,pain,1,,1,"], "column side: the cell is empty"),
        (["P01,side_effect,left,,1,,1,"], "column event: the cell is empty"),
        (["P01,side_effect,left,itch,1,,1,"], "did you mean 'itching'"),
        (["P01,side_effect,left,pain,5,,1,"], "column session: '5' is no session; known are 1, 2"),
        (["P01,side_effect,left,pain,1.5,,1,"], "'1.5' is no session"),
        (["P01,side_effect,left,pain,,,1,"], "column session: the cell is empty"),
        (["P01,side_effect,left,pain,1,,4,"], "'4' is neither a score from 0 to 3 nor one"),
        (["P01,side_effect,left,pain,1,,-1,"], "'-1' is neither"),
        (["P01,side_effect,left,pain,1,3,1,"], "column month: must be empty: side_effect has no"),
        (["P01,satisfaction,,,,4,3,"], "column month: '4' is no month"),
        (["P01,satisfaction,,,,3,0,"], "'0' is neither a score from 1 to 5"),
        (["P01,satisfaction,,pain,,3,1,"], "column event: must be empty"),
        (["P01,satisfaction,both,,,3,1,"], "the side 'both' is neither left nor right"),
        (["P01,side_effect,left,none,1,,mild,"], "there was no event, but its severity is 'mild'"),
        (["P01,side_effect,left,none,1,,0,", "P01,side_effect,left,pain,1,,2,"],
         "line 3, column event: line 2 says that there was no side effect"),
        (["P01,side_effect,left,pain,1,,1,", "P01,side_effect,left,درد,1,,2,"],
         "line 3: the same question is answered in line 2 already"),
        (["P01,side_effect,left,pain,1,,1,2024-03-01", "P01,side_effect,left,pain,2,,1,2024-02-01"],
         "line 3, column answered_on: session 2 was answered on 2024-02-01, before session 1"),
        (["P01,satisfaction,,,,6,1,2024-03-01", "P01,satisfaction,,,,3,1,2024-06-01"],
         "line 2, column answered_on: month 6 was answered on 2024-03-01, before month 3"),
        (["P01,satisfaction,,,,3,1,tomorrow"], "'tomorrow' is not a date"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_place(path: Path, rows: list[str], said: str) -> None:
    problems = read_questionnaires(write_allocation(path, *rows, header=HEADER))
    assert isinstance(problems, Problems)
    assert said in problems.reason


def test_the_other_half_and_other_sessions_are_other_questions(path: Path) -> None:
    rows = [
        f"P01,side_effect,{side},pain,{session},,1,"
        for side in ("left", "right")
        for session in (1, 2, 3, 4)
    ]
    rows += ["P01,satisfaction,,,,3,1,", "P01,satisfaction,left,,,3,1,"]
    assert len(read(path, *rows).answers) == 10


def test_answers_of_one_day_may_come_in_any_order(path: Path) -> None:
    assert read(
        path,
        "P01,side_effect,left,pain,2,,1,2024-02-10",
        "P01,side_effect,left,pain,1,,1,2024-02-01",
        "P01,side_effect,left,burning,1,,1,2024-02-03",
        "P01,side_effect,right,burning,1,,1,2024-02-01",
    )


CELLS = st.one_of(
    st.sampled_from(
        [
            "P01",
            "side_effect",
            "satisfaction",
            "left",
            "pain",
            "none",
            "1",
            "3",
            "0",
            "2024-01-01",
            "",
        ]
    ),
    st.text(max_size=6),
)


@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), min_size=1, max_size=5))
def test_arbitrary_rows_are_answers_or_problems(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "answers.csv"
    with path.open("w", encoding="utf-8", newline="", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        writer.writerows(rows)
    result = read_questionnaires(path)
    if isinstance(result, Problems):
        assert result.reason
        return
    for answer in result.answers:
        if answer.kind == "side_effect":
            assert answer.side is not None
            assert answer.event
            assert answer.session in (1, 2, 3, 4)
            assert answer.score in (None, 0, 1, 2, 3)
        else:
            assert answer.month in (3, 6)
            assert answer.score in (None, 1, 2, 3, 4, 5)
