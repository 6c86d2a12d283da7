"""scarmetrics repeatability."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from scarmetrics.cli import main
from scarmetrics.statistics import Repeatability, repeatability

ROWS = [
    ("A", "left", 1, 100.5), ("A", "left", 2, 104.0), ("B", "left", 1, 200.0),
    ("B", "left", 2, 190.0), ("C", "right", 1, 150.0), ("C", "right", 2, 151.0),
]  # fmt: skip
NAMES = ["subject_id", "side", "repeat", "area_mm2"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["scarmetrics", "repeatability", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def table(path: Path, rows: list[tuple[object, ...]], separator: str = ",") -> Path:
    lines = [separator.join(map(str, row)) for row in [tuple(NAMES), *rows]]
    path.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";"])
def test_it_prints_and_writes_what_the_function_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    separator: str,
) -> None:  # fmt: skip
    file = table(tmp_path / "repeats.csv", [*ROWS, ("D", "left", 1, 90), ("D", "left", 2, "")],
                 separator)  # fmt: skip
    assert run(monkeypatch, file, "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    expected = repeatability(pd.DataFrame(ROWS, columns=NAMES))
    assert f"{expected.icc.estimate:.3f}" in printed
    assert f"{expected.mdc95_mm2:.2f}" in printed
    assert "1 half lacks a repeat" in printed
    found = json.loads((tmp_path / "out/repeatability.json").read_text(encoding="utf-8"))
    kept = Repeatability.model_validate(found["repeatability"])
    assert kept.model_copy(update={"n_dropped": 0}) == expected
    assert (tmp_path / "out/bland_altman.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert (tmp_path / "out/bland_altman.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, ("E", "left", 1, "much")], "line 8: area_mm2 'much' is not a number"),
        ([*ROWS, ("", "left", 1, 7)], "line 8: subject_id is empty"),
        ([*ROWS, ROWS[0]], "more than once"),
        (ROWS[:2], "at least 3 halves"),
        ([], "0 halves"),
    ],
)
def test_bad_tables_are_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    rows: list[tuple[object, ...]], message: str,
) -> None:  # fmt: skip
    assert run(monkeypatch, table(tmp_path / "repeats.csv", rows), "--out", tmp_path / "out") == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed
    assert not (tmp_path / "out").exists()


def test_all_wrong_cells_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("A", "left", 1, "x"), ("A", "left", 2, "1,5,6")]
    assert run(monkeypatch, table(tmp_path / "repeats.csv", rows, ";")) == 2
    printed = capsys.readouterr().err
    assert "line 2" in printed
    assert "line 3" in printed


def test_a_file_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path / "absent.csv") == 2
    assert "absent.csv: the file cannot be opened" in capsys.readouterr().err
