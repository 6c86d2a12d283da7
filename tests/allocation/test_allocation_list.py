"""The randomisation list: layouts, spellings, everything wrong at once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_trial import write_allocation
from scipy.stats import binomtest

import scarmetrics as sm
from scarmetrics.allocation import Allocation, Problems, read_allocation
from scarmetrics.config import parse_config
from scarmetrics.errors import ConfigError

PAIR = "subject_id,procedure,left,right"


def read(path: Path, *rows: str, header: str = "subject_id,procedure,treated_side") -> Allocation:
    allocation = read_allocation(write_allocation(path, *rows, header=header))
    assert isinstance(allocation, Allocation), allocation.reason
    return allocation


def wrong(path: Path, *rows: str, header: str = "subject_id,procedure,treated_side") -> list[str]:
    problems = read_allocation(write_allocation(path, *rows, header=header))
    assert isinstance(problems, Problems)
    assert not problems
    return problems.reason.splitlines()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "allocation.csv"


def test_both_layouts_say_the_same(path: Path) -> None:
    by_side = read(path, "P01,co2_laser,left", "P02,microneedling,right")
    by_pair = read(path, "P01,co2_laser,adsc_cm,saline", "P02,microneedling,saline,adsc_cm",
                   header=PAIR)  # fmt: skip
    assert by_side.assignments == by_pair.assignments
    first = by_side.assignments[0]
    assert (first.treatment("left"), first.treatment("right")) == ("adsc_cm", "saline")
    both = read(path, "P01,co2_laser,left,adsc_cm,saline", "P02,microneedling,right,,",
                header="subject_id,procedure,treated_side,left,right")  # fmt: skip
    assert both.assignments == by_side.assignments


def test_spellings_persian_digits_jalali_dates_and_excels_csv(path: Path) -> None:
    text = (
        "Subject ID;Procedure;Left;Right;Allocated-on\r\n"
        "P۰۱;CO2 Laser;Conditioned Medium;PLACEBO;۱۴۰۰/۰۳/۱۱\r\n"
        ";;;;\r\n"
        "بیمار۲;میکرونیدلینگ;سالین;محیط کشت;2021-06-02\r\n"
    )
    path.write_text(text, encoding="utf-8-sig")
    allocation = read_allocation(path)
    assert isinstance(allocation, Allocation)
    first, second = allocation.assignments
    assert (first.subject_id, first.procedure, first.treated_side) == ("P01", "co2_laser", "left")
    assert first.allocated_on == dt.date(2021, 6, 1)
    assert (second.subject_id, second.treated_side, second.line) == ("بیمار2", "right", 4)


def test_a_workbook_reads_as_the_csv_does(path: Path, tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["subject_id", "procedure", "treated_side", "allocated_on"])
    sheet.append([1, "CO2", "راست", dt.datetime(2021, 6, 1)])
    sheet.append(["P02", "MN", "L", "1400/03/12"])
    workbook.save(tmp_path / "allocation.xlsx")
    from_xlsx = read_allocation(tmp_path / "allocation.xlsx")
    from_csv = read(path, "1,co2_laser,right,2021-06-01", "P02,microneedling,left,2021-06-02",
                    header="subject_id,procedure,treated_side,allocated_on")  # fmt: skip
    assert isinstance(from_xlsx, Allocation)
    assert from_xlsx.assignments == from_csv.assignments


def test_words_come_from_the_config(path: Path) -> None:
    config = parse_config("trial:\n  treatments: {adsc_cm: [A], saline: [B]}\n")
    write_allocation(path, "P01,mn,B,A", header=PAIR)
    allocation = read_allocation(path, config)
    assert isinstance(allocation, Allocation)
    assert allocation.assignments[0].treated_side == "right"
    assert not read_allocation(path)


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("trial: {treatments: {adsc_cm: [x], saline: [X]}}", "stands for both"),
        ("trial: {treatments: {adsc_cm: [a b], saline: [a-b]}}", "stands for both"),
        ("trial: {treatments: {adsc_cm: []}}", "both adsc_cm and saline"),
        ("trial: {procedures: {peeling: []}}", "co2_laser"),
        ("trial: {severities: {mild: []}}", "at least 2"),
        ("trial: {events: {'1': []}}", "not a number"),
    ],
)
def test_wrong_words_in_the_config_are_refused(path: Path, yaml: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_allocation(path, parse_config(yaml))


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        (["P01,mn,adsc_cm,adsc_cm"], PAIR, "line 2, column right: both halves are adsc_cm"),
        (["P01,mn,saline,saline"], PAIR, "line 2, column right: both halves are saline"),
        (["P01,mn,adsc_cm,"], PAIR, "line 2, column right: the cell is empty"),
        (["P01,mn,saline,adsccm,x"], PAIR, "line 2: the row has more cells than the header"),
        (["P01,mn,botox,saline"], PAIR, "column left: the treatment 'botox' is not known"),
        (["P01,mn,salin,adsc"], PAIR, "did you mean 'saline'"),
        (["P01,peeling,left"], "", "column procedure: the procedure 'peeling' is not known"),
        (["P01,mn,both"], "", "column treated_side: the side 'both' is neither left nor right"),
        (["P01,mn,"], "", "column treated_side: the cell is empty"),
        ([",mn,left"], "", "column subject_id: the cell is empty"),
        (["a b,mn,left"], "", "column subject_id: subject id 'a b'"),
        (["P01,mn,left", "P01,mn,left"], "", "line 3, column subject_id: P01 stands in line 2"),
        (["P01,mn,left", "P01,co2,left"], "", "line 3, column procedure: P01 is in line 2 with "
         "microneedling and here with co2_laser"),
        (["P01,mn,left", "P01,mn,right"], "", "line 3, column treated_side: P01 is treated on the"),
        (["P۰۱,mn,left", "P01,mn,left"], "", "P01 stands in line 2 already"),
        (["P01,mn,left,saline,adsc_cm"], "subject_id,procedure,treated_side,left,right",
         "treated_side is left, but the column right holds adsc_cm"),
        (["P01,mn,left,31.12.2021"], "subject_id,procedure,treated_side,allocated_on",
         "column allocated_on: '31.12.2021' is not a date"),
        (["P01,mn,left,1400/13/01"], "subject_id,procedure,treated_side,allocated_on",
         "a day that does not exist"),
        (["P01,mn"], "subject_id,procedure", "neither a column treated_side nor"),
        (["P01,mn,ns"], "subject_id,procedure,left", "line 1, column right: there is a column"),
        (["P01,left"], "subject_id,treated_side", "column procedure: the column is missing"),
        (["P01,mn,left"], "subject_id,procedur,treated_side", "is it 'procedur'?"),
        (["P01,mn,left,x"], "subject_id,procedure,treated_side,alocated_on", "did you mean 'all"),
        (["P01,mn,left,mn"], "subject_id,procedure,treated_side,procedure", "stands twice"),
        ([], "", "has a header but no rows"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_place(
    path: Path, rows: list[str], header: str, said: str
) -> None:
    lines = wrong(path, *rows, header=header or "subject_id,procedure,treated_side")
    assert any(said in line for line in lines), lines
    assert all(line.startswith("allocation.csv") for line in lines)


def test_all_mistakes_are_listed_at_once(path: Path) -> None:
    lines = wrong(
        path,
        "P01,mn,adsc_cm,adsc_cm",
        "P02,laser,adsc_cm,saline",
        "P02,mn,saline,adsc_cm",
        "P03,zzz,ns,yyy",
        header=PAIR,
    )
    assert [line.split(":")[0] for line in lines] == [
        "allocation.csv, line 2, column right",
        "allocation.csv, line 4, column procedure",
        "allocation.csv, line 4, column treated_side",
        "allocation.csv, line 5, column procedure",
        "allocation.csv, line 5, column right",
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PK\x03\x04broken", b'a,b\n"x'])
def test_a_file_that_is_no_table_is_one_problem(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    problems = read_allocation(path)
    assert isinstance(problems, Problems)
    assert problems.reason
    path.unlink()
    missing = read_allocation(path)
    assert isinstance(missing, Problems)
    assert "cannot be opened" in missing.reason


SUBJECTS = st.lists(
    st.tuples(st.sampled_from(["co2_laser", "microneedling"]), st.sampled_from(["left", "right"])),
    min_size=1,
    max_size=12,
)
DIGITS = st.sampled_from(["0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"])


@given(SUBJECTS, DIGITS, st.sampled_from([",", ";", "\t"]), st.tuples(st.booleans(), st.booleans()))
def test_any_way_of_writing_it_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    subjects: list[tuple[str, str]],
    digits: str,
    delimiter: str,
    layout: tuple[bool, bool],
) -> None:
    marked, pair = layout
    path = tmp_path_factory.mktemp("any") / "allocation.csv"
    columns = ["subject_id", "procedure", *(["left", "right"] if pair else ["treated_side"])]
    lines = [delimiter.join(columns)]
    for number, (procedure, side) in enumerate(subjects):
        halves = ["adsc_cm", "saline"] if side == "left" else ["saline", "adsc_cm"]
        cells = [f"P{number}".translate(str.maketrans("0123456789", digits)), procedure]
        lines.append(delimiter.join([*cells, *(halves if pair else [side])]))
    path.write_text("\r\n".join(lines), encoding="utf-8-sig" if marked else "utf-8")
    allocation = read_allocation(path)
    assert isinstance(allocation, Allocation)
    assert [(a.subject_id, a.procedure, a.treated_side) for a in allocation.assignments] == [
        (f"P{number}", procedure, side) for number, (procedure, side) in enumerate(subjects)
    ]


@given(st.lists(st.lists(st.text(max_size=8), max_size=5), max_size=6))
def test_arbitrary_cells_are_an_allocation_or_problems(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]
) -> None:
    import csv

    path = tmp_path_factory.mktemp("any") / "allocation.csv"
    with path.open("w", encoding="utf-8", newline="", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(["subject_id", "procedure", "treated_side"])
        writer.writerows(cells)
    result = read_allocation(path)
    assert isinstance(result, Allocation) or (not result and result.reason)


def test_side_balance_is_the_exact_binomial_test(path: Path) -> None:
    rows = [f"P{n},co2_laser,{'left' if n < 9 else 'right'}" for n in range(10)]
    rows += [f"Q{n},microneedling,{'left' if n < 5 else 'right'}" for n in range(10)]
    balance = read(path, *rows).side_balance().set_index("procedure")
    assert list(balance.index) == ["co2_laser", "microneedling", "pooled"]
    laser = balance.loc["co2_laser"]
    assert (laser["subjects"], laser["treated_left"], laser["treated_right"]) == (10, 9, 1)
    # 2 * (C(10, 9) + C(10, 10)) / 2**10, by hand
    assert laser["p_value"] == pytest.approx(22 / 1024, rel=1e-12)
    assert balance.loc["microneedling", "p_value"] == 1
    assert balance.loc["pooled", "p_value"] == binomtest(14, 20, 0.5).pvalue
    # Clopper-Pearson limits of 9 in 10, as published in tables: 0.5550 to 0.9975
    assert laser["ci_low"] == pytest.approx(0.5550, abs=5e-5)
    assert laser["ci_high"] == pytest.approx(0.9975, abs=5e-5)


def test_default_words_do_not_contradict_each_other() -> None:
    config = sm.StudyConfig()
    assert set(config.trial.treatments) == {"adsc_cm", "saline"}
    assert not read_allocation("absent.csv", config)
