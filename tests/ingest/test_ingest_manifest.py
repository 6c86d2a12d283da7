"""Studies listed in a manifest: what is read, and every way it can be wrong."""

from __future__ import annotations

import datetime as dt
import unicodedata

import openpyxl
import pytest

from scarmetrics.config import IngestConfig, StudyConfig
from scarmetrics.errors import REASONS, ManifestError, UsageError
from scarmetrics.ingest import Listing, list_photographs, plan_study

HEADER = "subject_id,visit,view,path,captured_on,light,mm_per_px,mm_per_px_rel_sd,side"


@pytest.fixture
def exports(tmp_path):
    folder = tmp_path / "exports"
    for name in ("a.jpg", "b.jpg", "c.jpg", "P1/before/L.jpg"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not decoded here")
    return folder


def write(exports, text: str, encoding: str = "utf-8", name: str = "manifest.csv") -> None:
    (exports / name).write_text(text, encoding=encoding, newline="")


def read(exports, text: str | None = None, **options) -> Listing:
    if text is not None:
        write(exports, text)
    return list_photographs(exports, IngestConfig(**options))


def problems(exports, text: str | None = None):
    with pytest.raises(ManifestError) as caught:
        read(exports, text)
    assert all(problem.reason_code in REASONS for problem in caught.value.problems)
    assert str(exports) not in str(caught.value)
    return caught.value.problems


def row_problem(exports, row: str, header: str = HEADER):
    (problem,) = problems(exports, f"{header}\n{row}\n")
    assert problem.line == 2
    return problem


def test_full_row_is_read(exports):
    listing = read(exports, f"{HEADER}\nP01,Before,L,a.jpg,1400/03/11,cross,0.12,0.03,left\n")
    (record,) = listing.records
    assert record.subject_id == "P01"
    assert (record.visit, record.view, record.side) == ("baseline", "left", "left")
    assert record.path == exports / "a.jpg"
    assert record.path_relative == "a.jpg"
    assert record.captured_on == dt.date(2021, 6, 1)
    assert (record.light, record.mm_per_px, record.mm_per_px_rel_sd) == ("cross", 0.12, 0.03)
    assert record.source == "manifest.csv line 2"
    assert listing.failures == ()


def test_optional_cells_may_be_empty_or_absent(exports):
    short = "view,path,visit,subject_id\nL,a.jpg,before,P1\n"
    full = f"{HEADER}\nP1,before,L,a.jpg,,,,,\n"
    assert read(exports, short).records == read(exports, full).records


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_encodings_and_line_ends(delimiter, encoding, newline, exports):
    rows = [HEADER.split(","), ["P۱", "قبل", "چپ", "a.jpg", "۱۴۰۰/۰۳/۱۱", "", "۰٫۱۲", "", ""]]
    write(exports, newline.join(delimiter.join(row) for row in rows), encoding)
    (record,) = read(exports).records
    assert (record.subject_id, record.visit, record.view) == ("P1", "baseline", "left")
    assert (record.mm_per_px, record.captured_on) == (0.12, dt.date(2021, 6, 1))


def test_excels_delimiter_hint_is_skipped_but_counted(exports):
    listing = read(exports, "sep=;\nsubject_id;visit;view;path;mm_per_px\nP1;pre;L;a.jpg;0,31\n")
    assert listing.records[0].mm_per_px == 0.31
    assert listing.records[0].source == "manifest.csv line 3"


def test_header_spelling_is_forgiven(exports):
    text = (
        " Subject ID ,VISIT,View,path ,MM-per-px,Confirm,guess,Remarks\nP1,pre,L,a.jpg,0.2, ,y,z\n"
    )
    assert read(exports, text).records[0].mm_per_px == 0.2


def test_empty_rows_are_skipped_and_lines_stay_physical(exports):
    text = (
        'subject_id,visit,view,path,note\n,,,,\n\nP1,pre,L,a.jpg,"two\nlines"\nP1,post,L,b.jpg,\n'
    )
    assert [r.source for r in read(exports, text).records] == [
        "manifest.csv line 4",
        "manifest.csv line 6",
    ]


@pytest.mark.parametrize(
    "path", [r"P1\before\L.jpg", "./P1/before/L.jpg", "P1//before/L.jpg", "P1/x/../before/L.jpg"]
)
def test_path_spellings(path, exports):
    (record,) = read(exports, f"subject_id,visit,view,path\nP1,pre,L,{path}\n").records
    assert record.path_relative == "P1/before/L.jpg"
    assert record.path.is_file()


def test_composed_and_decomposed_names_are_the_same(exports):
    on_disk = unicodedata.normalize("NFD", "آ.jpg")
    (exports / on_disk).write_bytes(b"x")
    text = f"subject_id,visit,view,path\nP1,pre,L,{unicodedata.normalize('NFC', 'آ.jpg')}\n"
    assert read(exports, text).records[0].path_relative == on_disk


def test_workbook_is_read_with_its_types(exports):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADER.split(","))
    sheet.append([7, "before", "L", "a.jpg", dt.date(2021, 6, 1), None, 0.125, 0.03, None])
    sheet.append([None] * 9)
    sheet.append(["P۲", "after", "R", "b.jpg", "1400/03/11", None, "0,31", None, "right"])
    hidden = book.create_sheet("first", 0)
    hidden.sheet_state = "hidden"
    hidden.append(["not", "this"])
    book.save(exports / "manifest.xlsx")
    first, second = read(exports).records
    assert (first.subject_id, first.mm_per_px, first.captured_on) == (
        "7", 0.125, dt.date(2021, 6, 1),
    )  # fmt: skip
    assert first.source == "manifest.xlsx line 2"
    assert (second.subject_id, second.mm_per_px, second.captured_on) == (
        "P2", 0.31, dt.date(2021, 6, 1),
    )  # fmt: skip
    assert second.source == "manifest.xlsx line 4"


def test_visit_may_be_a_date_in_a_workbook(exports):
    book = openpyxl.Workbook()
    book.active.append(["subject_id", "visit", "view", "path"])
    book.active.append(["P1", dt.datetime(2021, 6, 22), "L", "a.jpg"])
    book.save(exports / "manifest.xlsx")
    visits = {"baseline": ("1400-04-01",), "month3": ("1400-07-01",)}
    assert read(exports, visits=visits).records[0].visit == "baseline"


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 80]
)
def test_broken_workbook_is_one_problem(content, exports):
    (exports / "manifest.xlsx").write_bytes(content)
    (problem,) = problems(exports)
    assert "workbook" in problem.message


def test_text_that_is_no_utf8_names_the_line(exports):
    text = "subject_id,visit,view,path\nP1,pre,L,a.jpg\nP1,پس,L,b.jpg\n"
    (exports / "manifest.csv").write_bytes(text.encode("cp1256", errors="replace"))
    (problem,) = problems(exports)
    assert "line 3" in problem.message
    assert "UTF-8" in problem.message


def test_quote_that_never_closes_is_a_problem(exports):
    (problem,) = problems(exports, 'subject_id,visit,view,path\nP1,pre,L,"a.jpg\n')
    assert "line 2" in problem.message


@pytest.mark.parametrize("text", ["", "\n\n", "subject_id,visit,view,path\n", ",,,\n"])
def test_manifest_without_rows_is_a_problem(text, exports):
    assert problems(exports, text)


def test_missing_columns_name_the_nearest_header(exports):
    found = problems(exports, "subject,visit,view,file\nP1,pre,L,a.jpg\n")
    assert [problem.column for problem in found] == ["subject_id", "path"]
    assert "'subject'" in found[0].message


def test_duplicate_header_is_a_problem(exports):
    (problem,) = problems(exports, "subject_id,visit,view,path,View\nP1,pre,L,a.jpg,R\n")
    assert problem.column == "view"


@pytest.mark.parametrize(
    ("column", "meant"),
    [("mm_per_pixel", "mm_per_px"), ("mm_per_px_sd", "mm_per_px_rel_sd"), ("lights", "light"),
     ("captured", "captured_on")],
)  # fmt: skip
def test_near_miss_of_an_optional_column_is_a_problem(column, meant, exports):
    (problem,) = problems(exports, f"subject_id,visit,view,path,{column}\nP1,pre,L,a.jpg,1\n")
    assert problem.column == column
    assert repr(meant) in problem.message


@pytest.mark.parametrize(
    ("row", "column", "reason_code"),
    [
        (",pre,L,a.jpg", "subject_id", "bad_value"),
        ("P1,,L,a.jpg", "visit", "bad_value"),
        ("P1,pre,L,", "path", "bad_value"),
        ("P 1,pre,L,a.jpg", "subject_id", "invalid_subject_id"),
        ("../P1,pre,L,a.jpg", "subject_id", "invalid_subject_id"),
        ("P1,befor,L,a.jpg", "visit", "unknown_alias"),
        ("P1,pre,lefft,a.jpg", "view", "unknown_alias"),
        ("P1,pre,L,/etc/a.jpg", "path", "path_outside"),
        (r"P1,pre,L,C:\a.jpg", "path", "path_outside"),
        (r"P1,pre,L,\\server\a.jpg", "path", "path_outside"),
        ("P1,pre,L,../a.jpg", "path", "path_outside"),
        ("P1,pre,L,P1/../../a.jpg", "path", "path_outside"),
        ("P1,pre,L,P1", "path", "bad_value"),
        ("P1,pre,L,.", "path", "bad_value"),
        ("P1,pre,L,a\x00.jpg", "path", "bad_value"),
        ("P1,pre,L,a.jpg,11/03/1400", "captured_on", "bad_value"),
        ("P1,pre,L,a.jpg,1400/13/01", "captured_on", "bad_value"),
        ("P1,pre,L,a.jpg,,,nan", "mm_per_px", "bad_value"),
        ("P1,pre,L,a.jpg,,,inf", "mm_per_px", "bad_value"),
        ("P1,pre,L,a.jpg,,,-0.1", "mm_per_px", "bad_value"),
        ("P1,pre,L,a.jpg,,,0", "mm_per_px", "bad_value"),
        ("P1,pre,L,a.jpg,,,0.1 mm", "mm_per_px", "bad_value"),
        ("P1,pre,L,a.jpg,,,0_31", "mm_per_px", "bad_value"),
        ('P1,pre,L,a.jpg,,,"1,234"', "mm_per_px", "bad_value"),
        ("P1,pre,L,a.jpg,,,0.1,-0.1", "mm_per_px_rel_sd", "bad_value"),
        ("P1,pre,L,a.jpg,,,,0.1", "mm_per_px_rel_sd", "bad_value"),
        ("P1,pre,L,a.jpg,,,,,both", "side", "bad_value"),
        ("P1,pre,L,a.jpg,,,,,right", "side", "bad_value"),
        ("P1,pre,L,a.jpg,,,,,left,extra", "", "bad_value"),
    ],
)
def test_wrong_cell_is_named(row, column, reason_code, exports):
    problem = row_problem(exports, row)
    assert (problem.column, problem.reason_code) == (column, reason_code)


def test_unknown_words_suggest_the_nearest(exports):
    assert "'before'" in row_problem(exports, "P1,befor,L,a.jpg").message


def test_problem_carries_what_is_known_of_the_row(exports):
    problem = row_problem(exports, "P1,pre,L,a.jpg,,,nan")
    assert (problem.subject_id, problem.visit, problem.side, problem.path) == (
        "P1", "baseline", "left", "a.jpg",
    )  # fmt: skip


def test_all_problems_come_at_once_in_reading_order(exports):
    found = problems(
        exports, f"{HEADER}\nP 1,befor,L,a.jpg,,,nan\nP1,pre,L,b.jpg\nP1,post,X,../c.jpg\n"
    )
    assert [(problem.line, problem.column) for problem in found] == [
        (2, "subject_id"), (2, "visit"), (2, "mm_per_px"), (4, "view"), (4, "path"),
    ]  # fmt: skip


def test_path_through_a_link_out_of_the_folder_is_refused(exports, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.jpg").write_bytes(b"x")
    (exports / "link").symlink_to(tmp_path / "outside")
    (exports / "x.jpg").symlink_to(tmp_path / "outside" / "x.jpg")
    for path in ("link/x.jpg", "x.jpg"):
        assert row_problem(exports, f"P1,pre,L,{path}").reason_code == "path_outside"


def test_links_inside_the_folder_are_fine(exports):
    (exports / "inside.jpg").symlink_to(exports / "a.jpg")
    assert read(exports, f"{HEADER}\nP1,pre,L,inside.jpg\n").records


def test_missing_file_is_a_failure_and_the_rest_goes_on(exports):
    listing = read(exports, f"{HEADER}\nP1,pre,L,A.JPG\nP1,post,L,b.jpg\nP1,pre,F,no/x.jpg\n")
    assert [r.visit for r in listing.records] == ["month3"]
    first, second = listing.failures
    assert (first.reason_code, first.subject_id, first.visit, first.side, first.path_relative) == (
        "file_missing", "P1", "baseline", "left", "A.JPG",
    )  # fmt: skip
    assert "'a.jpg'" in first.reason
    assert (second.path_relative, second.side) == ("no/x.jpg", "")


def test_zero_photographs_left_is_not_a_manifest_error(exports):
    listing = read(exports, f"{HEADER}\nP1,pre,L,gone.jpg\n")
    assert listing.records == ()
    assert len(listing.failures) == 1


def test_one_file_cannot_stand_for_two_visits(exports):
    (problem,) = problems(exports, f"{HEADER}\nP1,pre,L,a.jpg\nP1,post,L,./a.jpg\n")
    assert (problem.line, problem.column) == (3, "path")
    assert "line 2" in problem.message


def test_one_frontal_file_may_be_listed_for_each_side(exports):
    text = f"{HEADER}\nP1,pre,F,a.jpg,,,0.1,,left\nP1,pre,F,a.jpg,,,0.10,,right\n"
    assert len(read(exports, text).records) == 2


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("captured_on", "2021-06-01,,0.1,0.02", "2021-06-02,,0.1,0.02"),
        ("light", ",cross,0.1,0.02", ",,0.1,0.02"),
        ("mm_per_px", ",,0.1,0.02", ",,0.2,0.02"),
        ("mm_per_px_rel_sd", ",,0.1,", ",,0.1,0.02"),
    ],
)
def test_rows_of_one_file_must_agree_in_what_it_is_measured_by(column, first, second, exports):
    rows = f"P1,pre,F,a.jpg,{first},left\nP1,pre,F,a.jpg,{second},right\n"
    (problem,) = problems(exports, f"{HEADER}\n{rows}")
    assert (problem.line, problem.column, problem.reason_code) == (3, column, "bad_value")
    assert "line 2" in problem.message
    assert (problem.subject_id, problem.side, problem.path) == ("P1", "right", "a.jpg")


def test_rows_of_one_file_that_differ_twice_are_two_problems(exports):
    rows = "P1,pre,F,a.jpg,,,0.1,,left\nP1,pre,F,a.jpg,,cross,0.2,,right\n"
    found = problems(exports, f"{HEADER}\n{rows}")
    assert [str(problem) for problem in found] == [
        "line 3, column light: the same file has nothing in line 2 and cross here",
        "line 3, column mm_per_px: the same file has 0.1 in line 2 and 0.2 here",
    ]


def test_guess_that_nobody_confirmed_is_a_problem_of_its_row(exports):
    header = "subject_id,visit,view,path,confirm"
    rows = "P1,pre,L,a.jpg,visit guessed from 'pre'\nP1,post,L,b.jpg,\nP2,,L,c.jpg,fill in\n"
    found = problems(exports, f"{header}\n{rows}")
    assert [(p.line, p.column, p.reason_code) for p in found] == [
        (2, "confirm", "bad_value"), (4, "visit", "bad_value"), (4, "confirm", "bad_value"),
    ]  # fmt: skip
    assert "visit guessed from 'pre'" in found[0].message
    assert "read the row, correct it, then clear the cell confirm" in found[0].message
    assert len(read(exports, f"{header}\nP1,pre,L,a.jpg, \n").records) == 1


def test_photographs_that_no_row_names_are_unlisted(exports):
    for name in ("P10/x.png", "P2/x.TIF", "notes.txt", ".hidden.jpg", "__MACOSX/a.jpg"):
        (exports / name).parent.mkdir(exist_ok=True)
        (exports / name).write_bytes(b"not decoded here")
    listing = read(exports, f"{HEADER}\nP1,pre,L,./P1/before/L.jpg\nP1,post,L,gone.jpg\n")
    assert listing.unlisted == ("a.jpg", "b.jpg", "c.jpg", "P2/x.TIF", "P10/x.png")
    assert plan_study(listing, StudyConfig()).unlisted == listing.unlisted
    assert read(exports, reader="visioface").unlisted == ()


def test_manifest_wins_over_patterns_unless_the_config_says_so(exports):
    text = f"{HEADER}\nP9,pre,R,a.jpg\n"
    assert [r.subject_id for r in read(exports, text).records] == ["P9"]
    assert [r.subject_id for r in read(exports, reader="visioface").records] == ["P1"]


def test_manifest_is_found_whatever_its_case(exports):
    write(exports, f"{HEADER}\nP9,pre,R,a.jpg\n", name="Manifest.CSV")
    assert [r.subject_id for r in read(exports).records] == ["P9"]


def test_two_manifests_are_refused_unless_one_is_named(exports):
    write(exports, f"{HEADER}\nP9,pre,R,a.jpg\n")
    book = openpyxl.Workbook()
    book.active.append(["subject_id", "visit", "view", "path"])
    book.active.append(["P8", "pre", "L", "a.jpg"])
    book.save(exports / "manifest.xlsx")
    with pytest.raises(UsageError, match="more than one manifest"):
        read(exports)
    assert read(exports, manifest="manifest.xlsx").records[0].subject_id == "P8"


def test_manifest_reader_without_a_manifest_is_wrong_use(exports):
    with pytest.raises(UsageError, match=r"no manifest\.csv"):
        read(exports, reader="manifest")
