"""What is written: no formula, no place, no camera, no name of this machine, sane permissions."""

from __future__ import annotations

import csv
import getpass
import io
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from faulty import AFTER, BEFORE, CAMERA, CONFIG, HEADER, Measured
from hypothesis import given
from hypothesis import strategies as st

import scarmetrics as sm
from scarmetrics.allocation.tables import NUMBER, TEXT, parse_csv, table, write_csv
from scarmetrics.cellguard import guard_cell, unguard_cell
from scarmetrics.errors import ManifestError
from scarmetrics.ingest import draft_manifest, list_photographs, write_draft
from scarmetrics.runner.rows import write_table

RISKY = {
    "equals": "=1+1",
    "plus": "+1+1",
    "minus": "-1-1",
    "at": "@SUM(A1)",
    "tab": "\t=1+1",
    "carriage return": "\r=1+1",
    "line feed": "\n=1+1",
    "a command": "=cmd|' /C calc'!A0",
    "a link": '=HYPERLINK("http://example.org/?"&A1,"click")',
    "behind an apostrophe": "'=1+1",
    "behind two apostrophes": "''=1+1",
    "full-width equals": "＝1+1",
    "a path with a dash": "-rf/photo.jpg",
    "a number and more": "-1.5;2",
    "equals alone": "=",
}
HARMLESS = [
    "",
    "P01",
    "-0.5",
    "+3",
    "-1.2e-05",
    "0",
    "'quoted'",
    "a=b",
    "1-2",
    "قبل",
    "#N/A",
    " =1",
]


@pytest.mark.parametrize("kind", RISKY)
def test_text_that_would_be_a_formula_is_marked_and_comes_back(kind: str, tmp_path: Path) -> None:
    text = RISKY[kind]
    read_back = text.replace("\r", "\n")
    columns = {"reason": TEXT, "change": NUMBER}
    rows = [{"reason": text, "change": -0.5}, {"reason": "plain", "change": -2e-5}]
    write_table(tmp_path, "failures", rows, columns)
    write_csv(table(rows, columns), tmp_path / "linked.csv")
    for name in ("failures.csv", "linked.csv"):
        content = (tmp_path / name).read_bytes().decode()
        cells = list(csv.reader(io.StringIO(content, newline="")))
        assert cells[1:] == [[f"'{read_back}", "-0.5"], ["plain", "-2e-05"]]
        assert [row["reason"] for row in parse_csv(content, columns)] == [read_back, "plain"]
        assert [row["change"] for row in parse_csv(content, columns)] == [-0.5, -2e-5]
    kept = pd.read_parquet(tmp_path / "failures.parquet")
    assert kept["reason"].tolist() == [text, "plain"]  # typed, so nothing runs it


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_and_numbers_are_left_alone(text: str) -> None:
    assert guard_cell(text) == text
    assert unguard_cell(text) == text


@given(st.text(alphabet="'=+-@\t\r1.eP＝", max_size=8))
def test_every_text_comes_back(text: str) -> None:
    guarded = guard_cell(text)
    assert unguard_cell(guarded) == text.replace("\r", "\n")
    assert not re.match(r"[=+\-@\t\r\n]", guarded) or re.fullmatch(
        r"[+-]\d+(\.\d+)?(e[+-]?\d+)?", guarded
    )


def cells(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            yield from ((path.name, cell) for row in csv.reader(file) for cell in row)


def test_no_cell_of_a_run_is_a_formula(measured: Measured) -> None:
    found = {cell for _, cell in cells(measured.out) if re.match(r"[=+\-@\t\r]", cell)}
    assert all(re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", cell) for cell in found)
    assert found  # changes below zero are numbers still
    assert {row["study_id"] for row in measured.rows("changes")} == {"'-faults"}
    changes = pd.read_parquet(measured.out / "changes.parquet")
    assert set(changes["study_id"]) == {CONFIG.study_id}
    assert changes["change_mm2"].dtype == "Float64"


@pytest.mark.parametrize("name", ["=1+1.jpg", "@SUM(A1).jpg", "-rf.jpg", "+1.jpg"])
def test_a_file_name_is_no_formula_in_the_failures(
    name: str, exports: Path, tmp_path: Path
) -> None:
    rows = BEFORE.replace("P01/baseline_frontal.jpg", name) + AFTER
    (exports / "manifest.csv").write_text(HEADER + rows, encoding="utf-8")
    out = tmp_path / "out"
    sm.Study(CONFIG).run(exports, out=out)
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        paths = [row["path_relative"] for row in csv.DictReader(file)]
    assert f"'{name}" in paths
    # and a table of ours that is copied into a manifest means the same file
    rows = BEFORE.replace("P01/baseline_frontal.jpg", f"'{name}") + AFTER
    (exports / "manifest.csv").write_text(HEADER + rows, encoding="utf-8")
    (exports / name).write_bytes(b"x")
    assert name in {r.path_relative for r in sm.Study(CONFIG).plan(exports).records}


def test_a_drafted_manifest_holds_no_formula_and_is_read_back(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    for name in ("P01_pre_L_=1+1", "P01_post_L_=1+1"):
        (exports / f"{name}.jpg").write_bytes(b"x")
    patterns = {"patterns": ("{subject_id}_{visit}_{view}_{light}",)}
    config = sm.StudyConfig.model_validate({"ingest": patterns}).ingest
    write_draft(draft_manifest(exports, config), exports / "manifest.csv")
    assert not [cell for _, cell in cells(exports) if cell.startswith("=")]
    assert {record.light for record in list_photographs(exports, config).records} == {"=1+1"}


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()
            if path.suffix == ".parquet":  # its pages are compressed
                yield path, pd.read_parquet(path).to_csv().encode()


def test_what_the_camera_wrote_is_in_no_output(alone: Measured) -> None:
    photographs = [data for path, data in contents(alone.exports) if path.suffix == ".jpg"]
    place = (35).to_bytes(4, "little") + (1).to_bytes(4, "little")
    big = (35).to_bytes(4, "big") + (1).to_bytes(4, "big")
    assert all(CAMERA.encode() in data and (place in data or big in data) for data in photographs)
    written = list(contents(alone.out))
    assert len(written) > 15
    for path, data in written:
        for trace in (CAMERA.encode(), b"Exif\0\0", b"eXIf", b"GPS", b"iCCP", b"<x:xmpmeta"):
            assert trace not in data, path.name


def test_pictures_hold_pixels_only(alone: Measured) -> None:
    for path in alone.out.rglob("*.png"):
        data = path.read_bytes()
        kinds, position = set(), 8
        while position < len(data):
            kinds.add(data[position + 4 : position + 8])
            position += 12 + int.from_bytes(data[position : position + 4], "big")
        assert kinds <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}, path.name


@pytest.mark.parametrize("which", ["alone", "measured"])
def test_no_output_names_this_machine(which: str, request: pytest.FixtureRequest) -> None:
    run: Measured = request.getfixturevalue(which)
    places = {str(run.exports.parent), str(Path.home()), str(Path.cwd()), run.exports.parent.name}
    names = {socket.gethostname(), getpass.getuser()} - {"localhost"}
    for path, data in contents(run.out):
        assert not [place for place in places - {"/"} if place.encode() in data], path.name
        if path.suffix in {".csv", ".json", ".yaml"}:  # short names stand in any picture by chance
            assert not names & set(re.findall(r"\w+", data.decode())), path.name


def modes(folder: Path) -> dict[bool, set[int]]:
    found: dict[bool, set[int]] = {True: set(), False: set()}
    for path in [folder, *folder.rglob("*")]:
        found[path.is_dir()].add(stat.S_IMODE(path.stat().st_mode))
    return found


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_files_get_the_permissions_that_the_user_set(
    umask: int, exports: Path, tmp_path: Path
) -> None:
    text = HEADER + BEFORE.replace("2024-01-08", "never") + AFTER
    (exports / "manifest.csv").write_text(text, encoding="utf-8")
    before = os.umask(umask)
    try:
        with pytest.raises(ManifestError):
            sm.Study(CONFIG).run(exports, out=tmp_path / "out")
        write_draft(
            draft_manifest(exports, CONFIG.ingest), tmp_path / "out/draft.csv", overwrite=True
        )
    finally:
        os.umask(before)
    assert modes(tmp_path / "out") == {True: {0o777 & ~umask}, False: {0o666 & ~umask}}


def test_a_run_writes_nothing_that_others_may_change_or_that_can_be_run(
    measured: Measured,
) -> None:
    umask = os.umask(0)
    os.umask(umask)
    assert modes(measured.out) == {True: {0o777 & ~umask}, False: {0o666 & ~umask}}


def test_the_exports_are_only_read(alone: Measured) -> None:
    names = {path.relative_to(alone.exports).as_posix() for path in alone.exports.rglob("*")}
    assert names == {
        "P01", "P01/baseline_frontal.jpg", "P01/month3_frontal.jpg", "manifest.csv",
    }  # fmt: skip
