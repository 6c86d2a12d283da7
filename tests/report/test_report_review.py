"""Readers' files: checked as a whole, merged, compared."""

from __future__ import annotations

import codecs
import csv
import sys
from pathlib import Path

import pytest
from openpyxl import Workbook

from scarmetrics.cli import main
from scarmetrics.errors import UsageError
from scarmetrics.report import HalfKey, cohens_kappa, import_reviews, read_folder
from scarmetrics.report.hashes import half_hashes
from scarmetrics.report.review_file import COLUMNS, neutral, plain

HALVES = [("P01", "left"), ("P01", "right"), ("P02", "left"), ("P02", "right")]


class Reader:
    """Writes one reader's file about a run."""

    def __init__(self, out: Path, name: str) -> None:
        self.hashes, self.name, self.rows = half_hashes(read_folder(out)), name, []
        self.path = out.parent / f"{name}.csv"

    def row(self, half=("P01", "left"), decision="accept", reason="", hour=9, **other: str):
        self.rows.append({
            "reader": self.name, "subject_id": half[0], "side": half[1], "decision": decision,
            "reason": reason, "decided_at": f"2026-01-05T{hour:02}:00:00+03:30",
            "result_hash": self.hashes.get(HalfKey(*half), "0" * 64), **other,
        })  # fmt: skip
        return self

    def write(self, delimiter: str = ",", mark: bytes = b"", encoding: str = "utf-8") -> Path:
        lines = [list(COLUMNS), *([row[name] for name in COLUMNS] for row in self.rows)]
        text = "".join(
            delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) + "\r\n"
            for line in lines
        )
        self.path.write_bytes(mark + text.encode(encoding))
        return self.path


@pytest.fixture
def out(copied: Path) -> Path:
    return copied


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def problems_of(out: Path, *files: Path) -> list[str]:
    with pytest.raises(UsageError) as refused:
        import_reviews(out, files)
    assert not (out / "review").exists()
    return [line.strip() for line in str(refused.value).splitlines()[1:-1]]


def test_two_readers_are_merged_and_compared(out: Path) -> None:
    first, second = Reader(out, "AB"), Reader(out, "CD")
    for half, a, b in zip(HALVES, ["accept", "accept", "reject", "query"],
                          ["accept", "reject", "reject", "query"], strict=True):  # fmt: skip
        first.row(half, a, "" if a == "accept" else "hair")
        second.row(half, b, "" if b == "accept" else "=2+3")
    before = {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()}
    review = import_reviews(out, [first.write(), second.write()])
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()} == before
    assert review.disagreements == (HalfKey("P01", "right"),)
    assert review.undecided == ()
    # by hand: observed 3/4; by chance (2*1 + 1*2 + 1*1) / 16
    assert review.agreement is not None
    assert review.agreement.kappa == pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16))
    assert len(table(out / "review/decisions.csv")) == 8
    apart = table(out / "review/disagreements.csv")
    assert [(row["reader"], row["decision"]) for row in apart] == [("AB", "accept"),
                                                                   ("CD", "reject")]  # fmt: skip
    assert apart[1]["reason"] == "'=2+3"
    changes, reviewed = table(out / "changes.csv"), table(out / "review/changes_reviewed.csv")
    words = ["accept", "disagree", "reject", "query"]
    for row, change, word in zip(reviewed, changes, words, strict=True):
        assert row.items() >= change.items()
        assert (row["qc_reader"], row["qc_reader_n"]) == (word, "2")
    assert reviewed[2]["qc_reader_reasons"] == "AB: hair | CD: =2+3"


def test_halves_without_a_decision_are_counted(out: Path) -> None:
    review = import_reviews(out, [Reader(out, "AB").row().write()])
    assert len(review.undecided) == 3
    assert review.agreement is None
    row = table(out / "review/changes_reviewed.csv")[1]
    assert (row["qc_reader"], row["qc_reader_n"], row["qc_reader_reasons"]) == ("", "0", "")


@pytest.mark.parametrize(
    ("delimiter", "mark", "encoding"),
    [(";", b"", "utf-8"), ("\t", b"", "utf-8"), (",", codecs.BOM_UTF8, "utf-8"),
     ("\t", codecs.BOM_UTF16_LE, "utf-16-le")],
)  # fmt: skip
def test_files_saved_by_a_spreadsheet_are_read(
    out: Path, delimiter: str, mark: bytes, encoding: str
) -> None:
    reader = Reader(out, "Ö").row(decision="Reject", reason="a; b, c")
    review = import_reviews(out, [reader.write(delimiter, mark, encoding)])
    assert [(one.reader, one.decision, one.reason) for one in review.decisions] == [
        ("Ö", "reject", "a; b, c")
    ]


def test_a_workbook_is_read(out: Path) -> None:
    reader = Reader(out, "AB").row(decision="query", reason="is this a mole?")
    book = Workbook()
    book.active.append(list(COLUMNS))
    book.active.append([reader.rows[0][name] for name in COLUMNS])
    path = out.parent / "review.xlsx"
    book.save(path)
    assert import_reviews(out, [path]).decisions[0].reason == "is this a mole?"


def test_all_problems_are_listed_at_once_with_lines_and_nothing_is_written(out: Path) -> None:
    reader = Reader(out, "AB")
    reader.row(decision="maybe").row(decision="reject").row(("P99", "left"))
    reader.row(decided_at="yesterday").row(decided_at="2026-01-05T09:00:00")
    reader.row(result_hash="f" * 64).row(reader="").row()
    found = problems_of(out, reader.write())
    assert [line.split(": ")[0] for line in found] == [f"AB.csv, line {n}" for n in range(2, 9)]
    for line, words in zip(found, ["accept, reject or query", "needs a reason", "no half P99",
                                   "with its zone", "with its zone", "another result",
                                   "reader is empty"], strict=True):  # fmt: skip
        assert words in line


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "empty"), ("a,b\n1,2\n", "columns are missing: reader"), ("\0\0", "")],
)
def test_what_is_no_review_is_refused(out: Path, content: str, words: str) -> None:
    path = out.parent / "x.csv"
    path.write_text(content, encoding="utf-8")
    (line, *_) = problems_of(out, path)
    assert line.startswith("x.csv")
    assert words in line
    assert problems_of(out, out.parent / "absent.csv")[0].startswith("absent.csv")


def test_decisions_on_another_run_are_refused(out: Path) -> None:
    path = Reader(out, "AB").row().row(HALVES[1]).write()
    text = (out / "changes.csv").read_text(encoding="utf-8")
    (out / "changes.csv").write_text(text.replace("P01,left,", "P01,left,x"), encoding="utf-8")
    (line,) = problems_of(out, path)
    assert line.startswith("AB.csv, line 2: P01 left was decided on another result")


def test_an_id_that_a_spreadsheet_changed_is_recognised(out: Path) -> None:
    reader = Reader(out, "AB").row()
    reader.rows[0]["subject_id"] = "1"
    (line,) = problems_of(out, reader.write())
    assert "its result is that of P01 left" in line


def test_the_latest_of_a_reader_counts(out: Path) -> None:
    early = Reader(out, "AB").row(decision="reject", reason="hair", hour=11).row(hour=8)
    late = Reader(out, "AB")
    late.path = out.parent / "again.csv"
    late.row(decision="query", reason="mole", hour=12).row(
        decision="reject", reason="hair", hour=11
    )
    review = import_reviews(out, [early.write(), late.write()])
    assert [one.decision for one in review.decisions] == ["query"]


def test_two_decisions_at_one_time_are_a_conflict(out: Path) -> None:
    reader = Reader(out, "AB").row().row(decision="query", reason="mole")
    (line,) = problems_of(out, reader.write())
    assert "AB.csv, line 3: AB decided P01 left otherwise at the same time" in line


@pytest.mark.parametrize(
    ("first", "second", "kappa"),
    [
        (["accept", "reject"], ["accept", "reject"], 1.0),
        (["accept", "reject"], ["reject", "accept"], -1.0),
        (["accept", "accept", "reject", "reject"], ["accept", "reject"] * 2, 0.0),
        (["accept"] * 3, ["accept"] * 3, None),
        ([], [], None),
    ],
)
def test_kappa(first: list[str], second: list[str], kappa: float | None) -> None:
    assert cohens_kappa(first, second) == kappa


def test_kappa_is_that_of_statsmodels() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa as other

    words = ["accept"] * 20 + ["reject"] * 5 + ["query"] * 9
    second = ["accept"] * 15 + ["reject"] * 10 + ["query"] * 4 + ["accept"] * 5
    names = ("accept", "reject", "query")
    counts = [[sum((a, b) == (x, y) for a, b in zip(words, second, strict=True)) for y in names]
              for x in names]  # fmt: skip
    assert cohens_kappa(words, second) == pytest.approx(other(counts).kappa)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "'=1", "'a", "''=1", "a=1", "", "−1"])
def test_formulas_are_neutralised_and_come_back(text: str) -> None:
    safe = neutral(text)
    assert not safe.startswith(("=", "+", "-", "@"))
    assert plain(safe) == text


def shell(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["scarmetrics", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_commands(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "report/index.html").unlink()
    assert shell(monkeypatch, "report", out) == 0
    assert "index.html" in capsys.readouterr().out
    assert (out / "report/index.html").is_file()
    assert shell(monkeypatch, "report", out.parent / "absent") == 2
    first = Reader(out, "AB").row(decision="reject", reason="[hair]").row(HALVES[1])
    second = Reader(out, "CD").row().row(HALVES[1])
    files = [first.write(), second.write()]
    capsys.readouterr()
    assert shell(monkeypatch, "review-import", out, *files) == 0
    printed = capsys.readouterr().out
    for words in ("kappa: 0.00", "agree on 50 %", "AB reject ([hair])", "2 halves without"):
        assert words in printed
    second.rows[0]["decision"] = "yes"
    assert shell(monkeypatch, "review-import", out, files[0], second.write()) == 2
    assert "CD.csv, line 2" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "review-import"])
def test_help_shows_an_example(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell(monkeypatch, command, "--help") == 0
    assert f"Example:  scarmetrics {command}" in capsys.readouterr().out


def test_readers_may_be_imported_one_after_the_other(out: Path) -> None:
    import_reviews(out, [Reader(out, "AB").row().write()])
    review = import_reviews(out, [Reader(out, "CD").row().write()])
    assert review.readers == ("AB", "CD")
    assert review.stale == 0
    kept = (out / "review/decisions.csv").read_bytes()
    with pytest.raises(UsageError, match="holds no decision"):
        import_reviews(out, [Reader(out, "EF").write()])
    assert (out / "review/decisions.csv").read_bytes() == kept


def test_earlier_decisions_on_other_results_are_left_out(out: Path) -> None:
    import_reviews(out, [Reader(out, "AB").row().write()])
    changes = out / "changes.csv"
    before = changes.read_text(encoding="utf-8")
    half = next(line for line in before.splitlines() if "P01,left" in line)
    changes.write_text(before.replace(half, half.replace(".", ".1")), encoding="utf-8")
    assert changes.read_text(encoding="utf-8") != before
    review = import_reviews(out, [Reader(out, "CD").row().write()])
    assert review.readers == ("CD",)
    assert review.stale == 1
