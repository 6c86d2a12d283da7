"""Manifests that are wrong: refused as a whole, with line, column, reason and remedy."""

from __future__ import annotations

import codecs
import datetime as dt
import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from faulty import CONFIG

import scarmetrics as sm
from scarmetrics.cli import main
from scarmetrics.errors import REASONS, ExitCode, ManifestError, UsageError

COLUMNS = "subject_id,visit,view,path,captured_on,mm_per_px,mm_per_px_rel_sd"
BEFORE = "P01,baseline,frontal,P01/baseline_frontal.jpg,2024-01-08,0.291742,0.01"
AFTER = "P01,month3,frontal,P01/month3_frontal.jpg,2024-04-08,0.290774,0.01"
GOOD = f"{COLUMNS}\n{BEFORE}\n{AFTER}\n"
SEMICOLONS = GOOD.replace(",", ";")

Book = Callable[[openpyxl.Workbook], None]


def rows(*more: str) -> bytes:
    return "\n".join([COLUMNS, BEFORE, AFTER, *more]).encode()


def cell(old: str, new: str) -> bytes:
    assert old in AFTER
    return f"{COLUMNS}\n{BEFORE}\n{AFTER.replace(old, new)}\n".encode()


def book(change: Book) -> bytes:
    made = openpyxl.Workbook()
    for row in GOOD.splitlines():
        made.active.append([_typed(text) for text in row.split(",")])
    change(made)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def _typed(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def repacked(change: Callable[[str, bytes], bytes], without: str = "") -> bytes:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(lambda _: None))) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name != without:
                new.writestr(name, change(name, old.read(name)))
    return stream.getvalue()


def in_sheet(old: bytes, new: bytes) -> bytes:
    def change(name: str, data: bytes) -> bytes:
        assert "sheet1" not in name or old in data
        return data.replace(old, new, 1) if "sheet1" in name else data

    return repacked(change)


def put(sheet_cell: str, value: object) -> bytes:
    return book(lambda made: made.active.__setitem__(sheet_cell, value))


WRONG: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "bad_value", "empty"),
    "only blank lines": (b"\n \n,,,\n", "bad_value", "empty"),
    "only a header": (COLUMNS.encode(), "bad_value", "no rows"),
    "no header": (f"{BEFORE}\n{AFTER}".encode(), "bad_value", "column is missing"),
    "a column is missing": (
        GOOD.replace(",view", ",").encode(), "bad_value", "column view: the column is missing",
    ),
    "a column stands twice": (
        GOOD.replace("captured_on", "path").encode(), "bad_value", "column path: the column stands",
    ),
    "a column is misspelt": (
        GOOD.replace("mm_per_px_rel_sd", "mm_per_px_relsd").encode(), "bad_value", "did you mean",
    ),
    "a column is misspelt with a hidden character": (
        GOOD.replace("captured_on", "captured\x1b_on").encode(), "bad_value", "captured\\x1b_on",
    ),
    "5000 columns": ((GOOD + "," * 5000 + "\n").encode(), "bad_value", "more than 1000 cells"),
    "more cells than columns": (rows("P02,pre,L,a.jpg,,,,9"), "bad_value", "line 4: the row has"),
    "a row is twice there": (rows(AFTER), "bad_value", "in line 3 already"),
    "one file for two visits": (
        cell("P01/month3_frontal", "P01/baseline_frontal"), "bad_value", "in line 2 already",
    ),
    "an unknown visit": (cell("month3,", "month33,"), "unknown_alias", "did you mean 'month3'"),
    "an unknown view": (cell("frontal,", "sideways,"), "unknown_alias", "the view 'sideways'"),
    "an empty subject": (cell("P01,", ","), "bad_value", "column subject_id: the cell is empty"),
    "a subject of two dots and a slash": (cell("P01,", "../x,"), "invalid_subject_id", "'../x'"),
    "a subject of 65 letters": (cell("P01,", "P" * 65 + ","), "invalid_subject_id", "64 at most"),
    "a subject of 100000 letters": (
        cell("P01,", "P" * 100_000 + ","), "invalid_subject_id", "64 at most",
    ),
    "a cell of 200000 letters": (cell("2024-04-08", "9" * 200_000), "bad_value", "field larger"),
    "a subject that is a formula": (cell("P01,", "=1+1,"), "invalid_subject_id", "'=1+1'"),
    "a path up": (cell("P01/month3", "../month3"), "path_outside", "leads out"),
    "a path up from within": (cell("P01/month3", "P01/../../month3"), "path_outside", "leads out"),
    "a path from the root": (cell("P01/month3", "/etc/month3"), "path_outside", "leads out"),
    "a path on a drive": (cell("P01/month3", "C:\\month3"), "path_outside", "leads out"),
    "a path on a server": (cell("P01/month3", "\\\\host\\month3"), "path_outside", "leads out"),
    "a path with backslashes up": (cell("P01/month3", "..\\month3"), "path_outside", "leads out"),
    "a path that is a folder": (cell("P01/month3_frontal.jpg", "P01"), "bad_value", "is a folder"),
    "a path with NUL": (cell("P01/month3", "P01/\0month3"), "bad_value", "cannot be seen"),
    "a path with an escape": (cell("P01/month3", "P01/\x1b[31mmonth3"), "bad_value", "\\x1b[31m"),
    "a path that turns round": (cell("P01/month3", "P01/\u202emonth3"), "bad_value", "\\u202e"),
    "a path with a line break": (
        cell("P01/month3_frontal.jpg", '"P01/month3\n_frontal.jpg"'), "bad_value", "cannot be seen",
    ),
    "a date of no calendar": (cell("2024-04-08", "2024-02-30"), "bad_value", "does not exist"),
    "a Jalali date of no calendar": (cell("2024-04-08", "1402/12/30"), "bad_value", "not exist"),
    "a date with the day first": (cell("2024-04-08", "08.04.2024"), "bad_value", "is not a date"),
    "a date of two digits": (cell("2024-04-08", "24-04-08"), "bad_value", "is not a date"),
    "a scale of zero": (cell("0.290774", "0"), "bad_value", "larger than zero"),
    "a scale below zero": (cell("0.290774", "-0.29"), "bad_value", "larger than zero"),
    "a scale that is not a number": (cell("0.290774", "nan"), "bad_value", "is not a number"),
    "a scale without end": (cell("0.290774", "inf"), "bad_value", "is not a number"),
    "a scale beyond all numbers": (cell("0.290774", "1e999"), "bad_value", "is not a number"),
    "a scale in hexadecimal": (cell("0.290774", "0x1"), "bad_value", "is not a number"),
    "a scale with its unit": (cell("0.290774", "0.29 mm"), "bad_value", "is not a number"),
    "a scale that may be a thousand": (cell("0.290774", '"1,290"'), "bad_value", "a thousand"),
    "an uncertainty below zero": (cell("0.01", "-0.01"), "bad_value", "must not be negative"),
    "an uncertainty without a scale": (cell("0.290774", ""), "bad_value", "but no mm_per_px"),
    "a guess that nobody confirmed": (
        f"{COLUMNS},confirm\n{BEFORE},\n{AFTER},visit guessed\n".encode(), "bad_value", "clear the",
    ),
    "a side that contradicts the view": (
        f"{COLUMNS},side\n{BEFORE},\n{AFTER.replace('frontal,', 'left,')},right\n".encode(),
        "bad_value", "contradicts the left view",
    ),
    "a light with an escape": (
        f"{COLUMNS},light\n{BEFORE},a\n{AFTER},\x1b[2J\n".encode(), "bad_value", "cannot be seen",
    ),
    "a quote that never closes": (cell("P01/month3", '"P01/month3'), "bad_value", "not valid CSV"),
    "Latin-1": (cell("P01,", "Pé,").decode().encode("latin-1"), "bad_value", "line 3: the text is"),
    "a Windows code page": ("بیمار".encode("cp1256", "replace"), "bad_value", "not UTF-8"),
    "UTF-16 without its mark": (GOOD.encode("utf-16-le"), "bad_value", ""),
    "UTF-16 that is cut": (GOOD.encode("utf-16")[:-1], "bad_value", "not UTF-8"),
    "a photograph": (b"\xff\xd8\xff\xe0" + bytes(range(256)), "bad_value", "not UTF-8"),
    "a million lines": (rows(*["a"] * 1_000_000), "bad_value", "more than 200000 rows"),
    "a workbook that is cut": (put("A1", "subject_id")[:3000], "bad_value", "workbook is damaged"),
    "a workbook with a password": (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "bad_value", "password",
    ),
    "a workbook that is a bomb": (
        in_sheet(b"</sheetData>", b" " * 70_000_000 + b"</sheetData>"), "bad_value", "unpacks to",
    ),
    "a workbook with a cell in its last corner": (
        in_sheet(b'r="G3"', b'r="XFD1048576"'), "bad_value", "far from the others",
    ),
    "a workbook that laughs a billion times": (
        in_sheet(b"<worksheet", b'<!DOCTYPE w [<!ENTITY a "ha">]><worksheet'), "bad_value",
        "entities",
    ),
    "a workbook whose sheet is a picture by name": (
        repacked(lambda _, data: data.replace(b"sheet1.xml", b"sheet1.png")).replace(
            b"sheet1.xml", b"sheet1.png"
        ),
        "bad_value", "the name of something else",
    ),
    "a zip that is no workbook": (
        repacked(lambda _, data: data, without="xl/workbook.xml"), "bad_value", "not an .xlsx",
    ),
    "a workbook of hidden sheets only": (
        repacked(lambda _, data: data.replace(b'state="visible"', b'state="hidden"')),
        "bad_value", "no visible sheet",
    ),
    "a workbook's formula that was never computed": (
        put("D3", '="P01/"&"month3_frontal.jpg"'), "bad_value", "column path: the cell is empty",
    ),
    "a workbook's cell that is an error": (put("F3", "#DIV/0!"), "bad_value", ""),
    "a workbook's merged cells": (
        book(lambda made: made.active.merge_cells("A2:A3")), "bad_value",
        "line 3, column subject_id: the cell is empty",
    ),
    "a workbook's date as a scale": (
        put("F3", dt.datetime(2024, 4, 8)), "bad_value", "is not a number",
    ),
}  # fmt: skip


def write(exports: Path, content: bytes) -> str:
    (exports / "manifest.csv").unlink()
    name = "manifest.xlsx" if content[:2] in {b"PK", b"\xd0\xcf"} else "manifest.csv"
    (exports / name).write_bytes(content)
    return name


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_manifest_is_refused_with_place_reason_and_remedy(
    fault: str, exports: Path
) -> None:
    content, reason_code, says = WRONG[fault]
    name = write(exports, content)
    with pytest.raises(ManifestError) as caught:
        sm.Study(CONFIG).plan(exports)
    told = str(caught.value)
    assert {p.reason_code for p in caught.value.problems} == {reason_code}
    assert reason_code in REASONS
    assert says in told
    assert name in told
    assert caught.value.remedy
    assert str(exports.parent) not in told
    assert len(told) < 1000 * len(caught.value.problems) + 200
    assert not re.search(r"[^\n -~ء-ۿ]", told)  # nothing that a terminal would obey


@pytest.mark.parametrize("fault", ["a scale without end", "a path up", "Latin-1", "empty"])
def test_the_command_exits_2_lists_the_problem_and_measures_nothing(
    fault: str,
    exports: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content, reason_code, _ = WRONG[fault]
    name = write(exports, content)
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["scarmetrics", "run", str(exports), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == ExitCode.USAGE
    told = capsys.readouterr().err
    assert name in told
    assert "correct the manifest" in told
    failures = (out / "failures.csv").read_text(encoding="utf-8")
    assert reason_code in failures
    assert name in failures
    assert len((out / "changes.csv").read_text(encoding="utf-8").splitlines()) == 1


PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
FINE: dict[str, bytes] = {
    "with a mark of UTF-8": codecs.BOM_UTF8 + GOOD.encode(),
    "in UTF-16": GOOD.encode("utf-16"),
    "with semicolons": SEMICOLONS.encode(),
    "with semicolons and decimal commas": SEMICOLONS.replace("0.", "0,").encode(),
    "with tabs": GOOD.replace(",", "\t").encode(),
    "with old Macs' line ends": GOOD.replace("\n", "\r").encode(),
    "with blank lines": GOOD.replace("\n", "\n\n,,,,,,\n").encode(),
    "with other columns": "\n".join(
        f"{line},=cmd|' /C calc'!A0" for line in GOOD.splitlines()
    ).encode(),
    "with Persian digits": f"{COLUMNS}\n".encode()
    + "\n".join(
        ",".join(
            part.translate(PERSIAN) if index in {0, 4, 5} else part
            for index, part in enumerate(line.split(","))
        )
        for line in (BEFORE, AFTER)
    ).encode(),
    "with Jalali dates": GOOD.replace("2024-01-08", "۱۴۰۲/۱۰/۱۸")
    .replace("2024-04-08", "1403-01-20").encode(),
    "as a workbook": book(lambda _: None),
    "as a workbook with a hidden sheet first": book(
        lambda made: setattr(made.create_sheet("old", 0), "sheet_state", "hidden")
    ),
    "as a workbook that says it is larger": in_sheet(b'ref="A1:G3"', b'ref="A1:XFD1048576"'),
}  # fmt: skip


@pytest.mark.parametrize("kind", FINE)
def test_an_odd_manifest_says_what_the_plain_one_says(kind: str, exports: Path) -> None:
    def facts() -> list[dict[str, object]]:
        plan = sm.Study(CONFIG).plan(exports)
        assert not plan.failures
        assert [half.side for half in plan.halves] == ["left", "right"]
        return [record.model_dump(exclude={"source"}) for record in plan.records]

    plain = facts()
    write(exports, FINE[kind])
    assert facts() == plain


def test_a_manifest_that_is_a_pipe_is_not_waited_for(exports: Path) -> None:
    (exports / "manifest.csv").unlink()
    os.mkfifo(exports / "manifest.csv")
    with pytest.raises(ManifestError, match="pipe or device"):
        sm.Study(CONFIG).plan(exports)


def test_a_manifest_that_is_a_folder_is_refused(exports: Path) -> None:
    (exports / "manifest.csv").unlink()
    (exports / "manifest.csv").mkdir()
    with pytest.raises(ManifestError, match="it is a folder"):
        sm.Study(CONFIG).plan(exports)


def test_a_manifest_that_links_out_of_the_folder_is_refused(exports: Path) -> None:
    outside = exports.parent / "secret.csv"
    (exports / "manifest.csv").rename(outside)
    (exports / "manifest.csv").symlink_to(outside)
    with pytest.raises(ManifestError, match="leads out") as caught:
        sm.Study(CONFIG).plan(exports)
    assert caught.value.problems[0].reason_code == "path_outside"


def test_a_manifest_of_too_many_bytes_is_refused_unread(exports: Path) -> None:
    with (exports / "manifest.csv").open("wb") as stream:
        stream.truncate(5_000_000_000)
    with pytest.raises(ManifestError, match="5000 MB"):
        sm.Study(CONFIG).plan(exports)


def test_two_manifests_that_differ_in_case_are_not_chosen_between(exports: Path) -> None:
    (exports / "Manifest.csv").write_text(GOOD, encoding="utf-8")
    with pytest.raises(UsageError, match="more than one manifest"):
        sm.Study(CONFIG).plan(exports)
