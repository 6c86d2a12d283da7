"""The recipe for a split-face study in two arms."""

from __future__ import annotations

import ast
import csv
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

import scarmetrics as sm

PIPELINES = Path(__file__).resolve().parents[1] / "pipelines"
ARMS = ("co2_laser", "microneedling")


@pytest.fixture
def recipe() -> dict[str, Any]:
    return runpy.run_path(str(PIPELINES / "split_face.py"))


@pytest.fixture
def trial() -> dict[str, Any]:
    return runpy.run_path(str(PIPELINES / "split_face_trial.py"))


@pytest.fixture
def exports(repository: Path, tmp_path: Path) -> Path:
    for arm in ARMS:
        shutil.copytree(repository / "fixtures/images/exports", tmp_path / "exports" / arm)
    return tmp_path / "exports"


def area(out: Path) -> list[str]:
    with (out / "measurements.csv").open(encoding="utf-8", newline="") as file:
        return [row["area_mm2"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("script", sorted(PIPELINES.glob("*.py")), ids=lambda path: path.name)
def test_only_the_public_api_is_used(script: Path) -> None:
    import scarmetrics as sm

    tree = ast.parse(script.read_text(encoding="utf-8"))
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imports = [
        alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    ]
    assert [name for name in froms if name.startswith("scarmetrics")] == []
    assert [
        (alias.name, alias.asname) for alias in imports if alias.name.startswith("scarmetrics")
    ] == [("scarmetrics", "sm")]
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sm"
    }
    assert used
    assert used <= set(sm.__all__)


def test_each_arm_is_measured_into_its_own_folder(
    recipe: dict[str, Any], exports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (exports / "microneedling/P01/month3_frontal.jpg").write_bytes(b"")
    assert recipe["main"]([str(exports), "--out", str(out)]) == 3
    printed = capsys.readouterr().out
    assert "co2_laser: 2 halves measured, 0 failed" in printed
    assert "microneedling: 0 halves measured, 2 failed" in printed
    assert len(area(out / "co2_laser")) == 4
    assert area(out / "microneedling") == []


def test_arms_and_config_are_the_users(
    recipe: dict[str, Any], exports: Path, tmp_path: Path
) -> None:
    config = tmp_path / "study.yaml"
    config.write_text("study_id: mine\nface:\n  outline_margin: 0.2\n", encoding="utf-8")
    arguments = [str(exports), "--out", str(tmp_path / "out"), "--arms", "microneedling"]
    assert recipe["main"]([*arguments, "--config", str(config)]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["microneedling"]
    text = (tmp_path / "out/microneedling/config.yaml").read_text(encoding="utf-8")
    assert "study_id: mine" in text


def test_a_wrong_arm_stops_before_the_first_is_measured(
    recipe: dict[str, Any], exports: Path, tmp_path: Path
) -> None:
    with pytest.raises(Exception, match="nowhere"):
        recipe["measure_arms"](exports, tmp_path / "out", ["co2_laser", "nowhere"])
    assert not (tmp_path / "out").exists()


def test_wrong_use_is_one_line_and_code_2(
    recipe: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        recipe["main"]([str(tmp_path), "--out", str(tmp_path / "out"), "--arms", "nowhere"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("error:")


def test_help_tells_what_it_does(
    recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        recipe["main"](["--help"])
    assert stopped.value.code == 0
    assert "--arms" in capsys.readouterr().out


def test_the_trial_goes_from_photographs_to_the_answer(
    trial: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    summary, analysis, effect = trial["run_trial"](out, patients=2)
    assert summary.halves_measured == 4
    with (out / "study/truth.csv").open(encoding="utf-8", newline="") as file:
        true = {
            (row["subject_id"], row["treatment"], row["visit"]): float(row["true_area_mm2"])
            for row in csv.DictReader(file)
        }
    change = [
        true[subject, arm, "month3"] / true[subject, arm, "baseline"]
        for subject in ("P01", "P02")
        for arm in ("adsc_cm", "saline")
    ]
    planted = 100 * (change[0] - change[1] + change[2] - change[3]) / 2
    assert effect.planted == pytest.approx(planted)
    assert effect.low < effect.found < effect.high
    assert effect.found < 0
    assert analysis.primary.patients == 2
    page = (out / "results/linked/report.html").read_text(encoding="utf-8")
    assert "ADSC-CM against saline" in page
    assert "digest" in capsys.readouterr().out
    area = out / "results/measurements.csv"
    area.write_bytes(area.read_bytes().replace(b"P01", b"P03", 1))
    with pytest.raises(sm.ScarmetricsError, match=r"measurements\.csv"):
        sm.link(out / "results", out / "study/allocation.csv")


def test_the_trial_wants_a_folder_of_its_own(
    trial: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        trial["main"](["--out", str(tmp_path)])
    assert stopped.value.code == 2
    assert "holds other files" in capsys.readouterr().err
