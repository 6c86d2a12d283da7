"""The command line: help, exit codes, messages."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread, imsave

from scarmetrics.cli import main
from scarmetrics.cli.console import make_console, print_failures
from scarmetrics.models import FailureRecord

COMMANDS = ("run", "check", "init", "demo", "repeatability")


@pytest.fixture
def exports(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repository / "fixtures/images/exports", tmp_path / "exports"))


class Shell:
    """Calls the command line in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["scarmetrics", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def failures(out: Path) -> list[dict[str, str]]:
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(shell: Shell, command: str) -> None:
    code, out, _ = shell(command, "--help")
    assert code == 0
    assert f"scarmetrics {command}" in out
    assert "Example" in out


def test_help_names_the_commands_and_exit_codes(shell: Shell) -> None:
    code, out, _ = shell("--help")
    assert code == 0
    for word in (*COMMANDS, "Exit codes", "130"):
        assert word in out


def test_version(shell: Shell) -> None:
    code, out, _ = shell("--version")
    assert (code, out.split()[0]) == (0, "scarmetrics")


def test_wrong_use_exits_2(shell: Shell, tmp_path: Path) -> None:
    assert shell("run", tmp_path)[0] == 2  # no --out
    assert shell("measure")[0] == 2
    assert shell("run", tmp_path / "absent", "--out", tmp_path / "out")[0] == 2


def test_an_empty_folder_is_one_clear_error(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    code, _, err = shell("run", tmp_path / "exports", "--out", tmp_path / "out")
    assert code == 2
    assert err.startswith("error:")
    assert "Traceback" not in err


def test_a_wrong_config_stops_with_line_and_column(
    shell: Shell, exports: Path, tmp_path: Path
) -> None:
    config = tmp_path / "study.yaml"
    config.write_text("segmentation:\n  min_diameter: 2\n", encoding="utf-8")
    code, _, err = shell("run", exports, "--out", tmp_path / "out", "--config", config)
    assert code == 2
    assert "study.yaml, line 2, column 3" in err
    assert "min_diameter_mm" in err
    assert not (tmp_path / "out").exists()


def test_an_unknown_segmenter_stops_before_measuring(
    shell: Shell, exports: Path, tmp_path: Path
) -> None:
    config = tmp_path / "study.yaml"
    config.write_text("segmentation:\n  method: magic\n", encoding="utf-8")
    code, _, err = shell("run", exports, "--out", tmp_path / "out", "--config", config)
    assert code == 2
    assert "classical" in err


def test_run_measures_and_says_where(shell: Shell, exports: Path, tmp_path: Path) -> None:
    code, out, err = shell("run", exports, "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "2/2 halves, P01" in out
    assert "P01" in out
    assert "2 halves measured, 0 failed" in out


def test_quiet_prints_problems_only(shell: Shell, exports: Path, tmp_path: Path) -> None:
    assert shell("run", exports, "--out", tmp_path / "a", "--quiet")[:2] == (0, "")
    (exports / "P01/month3_frontal.jpg").write_bytes(b"")
    code, out, _ = shell("run", exports, "--out", tmp_path / "b", "--quiet")
    assert code == 4
    assert "file_empty" in out
    assert "mm²" not in out


def _noise(path: Path) -> None:
    rng = np.random.default_rng(0)
    imsave(path, rng.integers(0, 255, (400, 400, 3), dtype=np.uint8), check_contrast=False)


def _side_by_side(face: np.ndarray) -> np.ndarray:
    small = face[::2, ::2]
    canvas = np.full((face.shape[0], small.shape[1], 3), 128, np.uint8)
    canvas[: small.shape[0]] = small
    return np.hstack([face, canvas])


BAD_FILES = {
    "unreadable content": (lambda path: path.write_bytes(os.urandom(4000)), "not_an_image"),
    "text": (lambda path: path.write_text("hello", encoding="utf-8"), "not_an_image"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:30000]), "image_corrupt"),
    "zero bytes": (lambda path: path.write_bytes(b""), "file_empty"),
    "gone": (lambda path: path.unlink(), "file_missing"),
    "no face": (_noise, "face_not_found"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_file_is_listed_with_reason_and_remedy(
    shell: Shell, exports: Path, tmp_path: Path, what: str
) -> None:
    spoil, reason_code = BAD_FILES[what]
    spoil(exports / "P01/month3_frontal.jpg")
    code, out, _ = shell("run", exports, "--out", tmp_path / "out")
    assert code == 4  # the only subject
    rows = failures(tmp_path / "out")
    assert reason_code in {row["reason_code"] for row in rows}
    assert {row["side"] for row in rows if row["side"]} == {"left", "right"}
    for row in rows:
        assert "P01/month3_frontal.jpg" in row["path_relative"] + row["reason"]
        assert row["remedy"]
        assert row["reason_code"] in out


def test_a_wrong_extension_is_read_by_content(shell: Shell, exports: Path, tmp_path: Path) -> None:
    path = exports / "P01/month3_frontal.jpg"
    pixels = imread(path)
    as_png = path.with_suffix(".png")
    imsave(as_png, pixels, check_contrast=False)
    as_png.replace(path)
    assert shell("run", exports, "--out", tmp_path / "out")[0] == 0


def test_of_two_faces_the_larger_is_taken_and_flagged(
    shell: Shell, exports: Path, tmp_path: Path
) -> None:
    path = exports / "P01/month3_frontal.jpg"
    imsave(path, _side_by_side(imread(path)), check_contrast=False)
    assert shell("run", exports, "--out", tmp_path / "out")[0] == 0
    with (tmp_path / "out/changes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for row in rows:
        assert "several_faces" in row["qc_flags"].split(";")
        assert row["qc_status"] == "review"


def _edit(exports: Path, old: str, new: str) -> None:
    manifest = exports / "manifest.csv"
    text = manifest.read_text(encoding="utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    "edit",
    [
        ("visit,view,path", "when,view,path", "column visit"),
        ("P01/month3_frontal.jpg", "../month3.jpg", "line 3, column path"),
        ("0.290774", "nan", "line 3, column mm_per_px"),
        ("0.290774", "-0.29", "line 3, column mm_per_px"),
        ("month3,frontal", "month3,frontral", "line 3, column view"),
        ("P01,month3", "P01,munth3", "line 3, column visit"),
    ],
)
def test_a_wrong_manifest_exits_2_with_line_and_column(
    shell: Shell, exports: Path, tmp_path: Path, edit: tuple[str, str, str]
) -> None:
    old, new, where = edit
    _edit(exports, old, new)
    for arguments in (("check", exports), ("run", exports, "--out", tmp_path / "out")):
        code, _, err = shell(*arguments)
        assert code == 2
        assert where in err
        assert "Traceback" not in err


def test_persian_digits_in_the_manifest_are_read(
    shell: Shell, exports: Path, tmp_path: Path
) -> None:
    _edit(exports, "0.290774", "۰٫۲۹۰۷۷۴")
    _edit(exports, "2024-04-08", "۱۴۰۳/۰۱/۲۰")
    assert shell("run", exports, "--out", tmp_path / "out")[0] == 0
    with (tmp_path / "out/measurements.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["visit"] == "month3"]
    assert {row["mm_per_px"] for row in rows} == {"0.290774"}
    assert {row["captured_on"] for row in rows} == {"2024-04-08"}


def test_a_missing_visit_and_a_double_are_listed(
    shell: Shell, exports: Path, tmp_path: Path
) -> None:
    lines = (exports / "manifest.csv").read_text(encoding="utf-8").splitlines()
    for subject in ("P02", "P03"):
        shutil.copytree(exports / "P01", exports / subject)
    shutil.copy(exports / "P03/month3_frontal.jpg", exports / "P03/again.jpg")
    lines.append(lines[1].replace("P01", "P02"))
    lines += [lines[1].replace("P01", "P03"), lines[2].replace("P01", "P03")]
    lines.append(lines[2].replace("P01/month3_frontal", "P03/again").replace("P01", "P03"))
    (exports / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, _ = shell("check", exports)
    assert code == 3
    assert "2 halves would be measured" in out
    assert shell("run", exports, "--out", tmp_path / "out")[0] == 3
    found = {(row["subject_id"], row["side"], row["reason_code"])
             for row in failures(tmp_path / "out")}  # fmt: skip
    assert found == {
        ("P02", "left", "missing_visit"),
        ("P02", "right", "missing_visit"),
        ("P03", "left", "duplicate_photograph"),
        ("P03", "right", "duplicate_photograph"),
    }


def test_names_alone_are_enough_and_unknown_ones_are_listed(
    shell: Shell, exports: Path, tmp_path: Path
) -> None:
    (exports / "manifest.csv").unlink()
    (exports / "P01/baseline_frontal.jpg").rename(exports / "P01/before_frontal.jpg")
    shutil.copy(exports / "P01/before_frontal.jpg", exports / "P01/sometime_frontal.jpg")
    code, _, _ = shell("run", exports, "--out", tmp_path / "out")
    assert code == 3
    (row,) = failures(tmp_path / "out")
    assert row["reason_code"] == "unknown_alias"
    assert row["path_relative"] == "P01/sometime_frontal.jpg"


def test_init_drafts_a_manifest_that_check_accepts(shell: Shell, exports: Path) -> None:
    (exports / "manifest.csv").unlink()
    code, out, _ = shell("init", exports)
    assert code == 0
    assert "confirm" in out
    assert shell("check", exports)[0] == 0
    code, _, err = shell("init", exports)
    assert code == 2
    assert "--force" in err
    assert shell("init", exports, "--force")[0] == 0


def test_guesses_of_init_are_measured_only_after_somebody_cleared_them(
    shell: Shell, exports: Path, tmp_path: Path
) -> None:
    manifest = exports / "manifest.csv"
    manifest.unlink()
    photographs = exports / "P01"
    for visit in ("baseline", "month3"):
        (photographs / f"{visit}_frontal.jpg").rename(photographs / f"{visit} session, front.jpg")
    code, out, _ = shell("init", exports)
    assert code == 0
    assert "2 with guesses to confirm" in out
    assert "clear that cell" in out
    for arguments in (("check", exports), ("run", exports, "--out", tmp_path / "out")):
        code, _, err = shell(*arguments)
        assert code == 2
        assert "line 2, column confirm" in err
        assert "visit guessed from 'baseline'" in err
        assert "clear the cell confirm" in err
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    with manifest.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows([{**row, "confirm": ""} for row in rows])
    assert shell("check", exports)[0] == 0


def test_check_names_photographs_that_the_manifest_does_not_list(
    shell: Shell, exports: Path
) -> None:
    title = "Photographs in the folder that the manifest does not list"
    assert title not in shell("check", exports)[1]
    for number in range(1, 23):
        (exports / f"new [{number}].jpg").write_bytes(b"not decoded here")
    code, out, _ = shell("check", exports)
    assert code == 0
    assert f"{title} (22)" in out
    assert "new [1].jpg" in out
    assert "new [20].jpg" in out
    assert "new [21].jpg" not in out
    assert "... and 2 more" in out


def test_problems_are_grouped_by_reason(shell: Shell, exports: Path, tmp_path: Path) -> None:
    missing = [f"P{number},baseline,frontal,gone/{number}.jpg,,,\n" for number in range(2, 27)]
    with (exports / "manifest.csv").open("a", encoding="utf-8") as file:
        file.writelines([*missing, "P90,month3,frontal,P90.jpg,,,\n"])
    (exports / "P90.jpg").write_bytes(b"")
    code, out, _ = shell("check", exports)
    assert code == 3
    assert "file_missing (25): the file that the manifest names does not exist" in out
    assert out.count("correct the path in the manifest") == 1
    assert "missing_visit (2): " in out
    assert [out.count(f", gone/{number}.jpg\n") for number in range(2, 27)] == [1] * 25
    assert "failures.csv" not in out
    code, out, _ = shell("run", exports, "--out", tmp_path / "out")
    assert code == 3
    assert "file_missing (25): " in out
    assert out.count(", gone/") == 20
    assert "missing_visit (2): " in out
    assert "P90 left" in out  # one case at least of each reason
    assert "P90 right" not in out
    assert "... and 6 more in failures.csv" in out


def test_reasons_of_foreign_readers_are_printed_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failure = FailureRecord(
        path_relative="a [1].jpg", reason_code="lens_dirty", reason="a smear", remedy="wipe it"
    )
    print_failures(make_console(), [failure, failure], limit=1)
    assert capsys.readouterr().out.splitlines() == [
        "lens_dirty (2): remedy: wipe it",
        "  a [1].jpg: a smear",
        "... and 1 more in failures.csv",
    ]


def test_check_measures_nothing(
    shell: Shell, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scarmetrics.ingest.decode.decode_photograph", None)
    before = sorted(exports.rglob("*"))
    code, out, _ = shell("check", exports)
    assert code == 0
    assert "2 halves would be measured" in out
    assert sorted(exports.rglob("*")) == before


def test_a_missing_system_library_is_one_line_with_the_remedy(
    exports: Path, tmp_path: Path
) -> None:
    fake = tmp_path / "fake" / "cv2"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text(
        'raise ImportError("libGL.so.1: cannot open shared object file: No such file")\n',
        encoding="utf-8",
    )
    code = "import sys; from scarmetrics.cli import main; sys.argv[0] = 'scarmetrics'; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "run", str(exports), "--out", str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "fake")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "apt-get install libgl1" in ended.stderr


def test_the_demo_prints_truth_beside_measurement(shell: Shell, tmp_path: Path) -> None:
    code, out, _ = shell("demo", "--out", tmp_path / "demo", "--subjects", 1, "--workers", 1)
    assert code == 0
    assert "true (rendered) beside measured" in out
    assert "Area error at baseline" in out
    assert "overlays" in out
    assert list((tmp_path / "demo/results/overlays").glob("*.png"))
