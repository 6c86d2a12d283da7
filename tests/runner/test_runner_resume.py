"""A second run on the same OUT does what is missing or changed, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_study import (
    contents,
    copy_study,
    killed_before_its_end,
    make_exports,
    stand_in,
    study,
)

import scarmetrics as sm
from scarmetrics.errors import ManifestError, UsageError
from scarmetrics.runner import Progress, identity, pool, worker

ALL = {f"P{number:02} {side}" for number in (1, 2, 3) for side in ("left", "right")}


@pytest.fixture(scope="module")
def measured_once(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("resume")
    exports = make_exports(repository, folder / "exports", 3)
    study().run(exports, out=folder / "out")
    return exports, folder / "out"


@dataclass
class Again:
    """A finished study, and which halves a further run measured."""

    exports: Path
    out: Path
    tried: list[str]
    steps: list[Progress]

    def run(self, *, force: bool = False, **changes: object) -> sm.RunSummary:
        self.tried.clear()
        self.steps.clear()
        return study(**changes).run(
            self.exports, out=self.out, force=force, progress=self.steps.append
        )

    def fresh(self, **changes: object) -> dict[str, bytes]:
        """What a run on an empty folder gives."""
        other = self.out.with_name("fresh")
        study(**changes).run(self.exports, out=other)
        return contents(other)

    def edit_manifest(self, old: str, new: str) -> None:
        manifest = self.exports / "manifest.csv"
        text = manifest.read_text(encoding="utf-8")
        assert old in text
        manifest.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def again(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Again:
    """Finished, with a stand-in for measuring that takes no time."""
    monkeypatch.setattr(pool, "run_job", stand_in)
    exports = make_exports(repository, tmp_path / "exports", 3)
    study().run(exports, out=tmp_path / "out")
    return noticing(monkeypatch, exports, tmp_path / "out")


@pytest.fixture
def really_again(
    measured_once: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Again:
    """Finished, and really measured."""
    return noticing(monkeypatch, *copy_study(*measured_once, tmp_path))


def noticing(monkeypatch: pytest.MonkeyPatch, exports: Path, out: Path) -> Again:
    tried: list[str] = []
    original = pool.run_job

    def noticed(job: Any, config: Any, out: Any) -> Any:
        tried.extend(f"{job.subject_id} {side}" for side in job.sides)
        return original(job, config, out)

    monkeypatch.setattr(pool, "run_job", noticed)
    return Again(exports, out, tried, [])


def test_nothing_is_measured_again_when_nothing_changed(really_again: Again) -> None:
    before = contents(really_again.out)
    summary = really_again.run()
    assert really_again.tried == []
    assert (summary.halves_resumed, summary.halves_measured, summary.exit_code) == (6, 6, 0)
    assert [(s.done, s.total, s.resumed, s.measured) for s in really_again.steps] == [(6, 6, 6, 6)]
    assert contents(really_again.out) == before
    assert len(summary.changes) == 6
    run = json.loads((really_again.out / "run.json").read_text(encoding="utf-8"))
    assert run["counts"]["halves_resumed"] == 6
    assert run["state"] == "finished"
    assert {"results/P01_left.json", "masks/P01_left_baseline.png"} <= set(run["outputs"])
    assert sorted(run["inputs"]) == sorted(
        f"P{n:02}/{visit}_frontal.png" for n in (1, 2, 3) for visit in ("baseline", "month3")
    )


def test_force_measures_everything_again(again: Again) -> None:
    before = contents(again.out)
    assert again.run(force=True).halves_resumed == 0
    assert set(again.tried) == ALL
    assert contents(again.out) == before


def replace_photograph(again: Again) -> None:
    path = again.exports / "P02/month3_frontal.png"
    path.write_bytes(path.read_bytes() + b"!")


def remove_picture(again: Again) -> None:
    (again.out / "masks/P02_left_baseline.png").unlink()


def alter_picture(again: Again) -> None:
    (again.out / "masks/P02_left_month3.png").write_bytes(b"\x89PNG")


def damage_record(again: Again) -> None:
    path = again.out / "results/P02_left.json"
    path.write_bytes(path.read_bytes()[:500])


def edit_record(again: Again) -> None:
    path = again.out / "results/P02_left.json"
    text, count = re.subn(r'"area_mm2": \d+\.', '"area_mm2": 9.', path.read_text(encoding="utf-8"))
    assert count
    path.write_text(text, encoding="utf-8")


def remove_record(again: Again) -> None:
    (again.out / "results/P02_left.json").unlink()


def swap_records(again: Again) -> None:
    left = again.out / "results/P02_left.json"
    left.write_bytes((again.out / "results/P02_right.json").read_bytes())


def scale_of_p02(again: Again) -> None:
    again.edit_manifest(
        "P02,month3,frontal,P02/month3_frontal.png,0.5825",
        "P02,month3,frontal,P02/month3_frontal.png,0.5826",
    )


BOTH = {"P02 left", "P02 right"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (replace_photograph, BOTH),
        (scale_of_p02, BOTH),
        (remove_picture, {"P02 left"}),
        (alter_picture, {"P02 left"}),
        (damage_record, {"P02 left"}),
        (edit_record, {"P02 left"}),
        (remove_record, {"P02 left"}),
        (swap_records, {"P02 left"}),
    ],
)
def test_what_changed_is_measured_again_and_nothing_else(
    again: Again, change: Callable[[Again], None], expected: set[str]
) -> None:
    change(again)
    summary = again.run()
    assert set(again.tried) == expected
    assert summary.halves_resumed == 6 - len(expected)
    assert summary.halves_measured == 6
    assert contents(again.out) == again.fresh()


def test_a_row_more_in_the_manifest_measures_that_subject_only(again: Again) -> None:
    old = "subject_id,visit,view,path,mm_per_px,mm_per_px_rel_sd\n"
    for visit in ("baseline", "month3"):
        source = again.exports / f"P01/{visit}_frontal.png"
        target = again.exports / f"P00/{visit}_frontal.png"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(source.read_bytes() + b"0")
        again.edit_manifest(old, f"{old}P00,{visit},frontal,P00/{target.name},0.5825,0.01\n")
    summary = again.run()
    assert set(again.tried) == {"P00 left", "P00 right"}
    assert [row["subject_id"] for row in summary.changes][:2] == ["P00", "P00"]
    assert contents(again.out) == again.fresh()


@pytest.mark.parametrize(
    "changes",
    [
        {"quality": {"max_blur_mm": 0.4}},
        {"overlay": {"max_side_px": 220}},
        {"study_id": "other"},
        {"ingest": {"max_megapixels": 100.0}},
    ],
)
def test_a_setting_that_measures_measures_everything_again(
    again: Again, changes: dict[str, object]
) -> None:
    assert again.run(**changes).halves_resumed == 0
    assert set(again.tried) == ALL


def test_a_setting_that_measures_nothing_measures_nothing_again(again: Again) -> None:
    visits = {"baseline": ["baseline", "first"], "month3": ["month3", "last"]}
    summary = again.run(run={"timeout_s": 5.0}, ingest={"visits": visits})
    assert (again.tried, summary.halves_resumed) == ([], 6)
    assert "first" in (again.out / "config.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        ("environment", lambda: {"numpy": "0.1"}),
        ("code_sha256", lambda: "0" * 64),
        ("model_used", lambda _: {"sha256": "0" * 64}),
    ],
)
def test_another_version_measures_everything_again(
    again: Again, monkeypatch: pytest.MonkeyPatch, change: tuple[str, object]
) -> None:
    monkeypatch.setattr(identity, *change)
    assert again.run().halves_resumed == 0


def test_a_failure_of_the_photograph_stays_and_one_of_the_program_is_tried_again(
    really_again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = really_again.exports / "P02/month3_frontal.png"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:5000])
    with monkeypatch.context() as patched:
        original = worker.measure_side

        def fails(pair: Any, side: Any, config: Any) -> Any:
            if side == "left":
                raise RuntimeError
            return original(pair, side, config)

        patched.setattr(worker, "measure_side", fails)
        (really_again.out / "results/P03_left.json").unlink()
        first = really_again.run()
    assert {(f.subject_id, f.side, f.reason_code) for f in first.failures} == {
        ("P02", "left", "image_corrupt"),
        ("P02", "right", "image_corrupt"),
        ("P03", "left", "internal_error"),
    }
    assert not list(really_again.out.glob("*/P02*.png"))
    second = really_again.run()
    assert really_again.tried == ["P03 left"]
    assert (second.halves_resumed, second.halves_measured, second.halves_failed) == (5, 4, 2)
    assert [f.reason_code for f in second.failures] == ["image_corrupt"] * 2
    damaged.write_bytes(whole)
    assert really_again.run().halves_measured == 6
    assert set(really_again.tried) == BOTH


def test_a_photograph_that_is_still_being_copied_is_measured_when_it_is_whole(
    really_again: Again, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = contents(really_again.out)
    path = really_again.exports / "P02/month3_frontal.png"
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    original = worker.decode_photograph

    def arrives(read: Path, **options: Any) -> Any:
        try:
            return original(read, **options)
        finally:
            path.write_bytes(whole)  # the rest comes while the first half is looked at

    monkeypatch.setattr(worker, "decode_photograph", arrives)
    really_again.run()
    assert really_again.run().halves_measured == 6
    assert contents(really_again.out) == expected


def test_a_run_that_died_shows_no_tables_and_is_finished_by_the_next(
    again: Again,
) -> None:
    again.run(study_id="other")
    expected = contents(again.out)
    (again.out / "masks/.0123456789abcdef0123456789abcdef.png").write_bytes(b"half")
    (again.out / ".0123456789abcdef0123456789abcdef.csv").write_bytes(b"half")
    (again.out / "masks/mine.png").write_bytes(b"mine")
    with killed_before_its_end():
        again.run()
    assert set(again.tried) == ALL
    assert not list(again.out.glob("*.csv"))
    run = json.loads((again.out / "run.json").read_text(encoding="utf-8"))
    assert run["state"] == "running"
    assert again.run(study_id="small").halves_resumed == 6
    assert again.run(study_id="other").halves_resumed == 0
    (again.out / "masks/mine.png").unlink()
    assert contents(again.out) == expected


def test_a_wrong_manifest_leaves_the_halves_of_a_run_that_died(
    again: Again,
) -> None:
    with killed_before_its_end():
        again.run(force=True)
    before = contents(again.out)
    again.edit_manifest("0.01\n", "nan\n")
    with pytest.raises(ManifestError):
        again.run()
    assert contents(again.out) == before
    again.edit_manifest("nan\n", "0.01\n")
    assert again.run().halves_resumed == 6


def test_a_subject_who_left_takes_all_own_files_along(again: Again) -> None:
    manifest = again.exports / "manifest.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("P03")]
    manifest.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert again.run().halves_resumed == 4
    assert not list(again.out.glob("*/P03*"))
    assert contents(again.out) == again.fresh()


def test_a_picture_that_somebody_changed_meanwhile_costs_its_half(again: Again) -> None:
    (again.out / "results/P03_left.json").unlink()

    def change(step: Progress) -> None:
        if step.subject_id == "P03":
            (again.out / "masks/P01_left_month3.png").write_bytes(b"other")

    summary = study().run(again.exports, out=again.out, progress=change)
    (failure,) = summary.failures
    assert (failure.subject_id, failure.side) == ("P01", "left")
    assert failure.reason_code == "output_unwritable"
    assert "P01_left_month3.png" in failure.reason
    assert not list(again.out.glob("*/P01_left*"))
    assert again.run().halves_measured == 6
    assert again.tried == ["P01 left"]


def test_interrupting_and_going_on_gives_the_same_bytes(really_again: Again) -> None:
    def stop(step: Progress) -> None:
        if step.subject_id == "P02":
            raise KeyboardInterrupt

    expected = contents(really_again.out)
    out = really_again.out.with_name("stopped")
    first = study().run(really_again.exports, out=out, progress=stop)
    assert first.interrupted
    assert {row["subject_id"] for row in first.changes} == {"P01", "P02"}
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert (run["state"], run["counts"]["halves_not_tried"]) == ("interrupted", 2)
    second = study().run(really_again.exports, out=out)
    assert second.halves_resumed == 4
    assert contents(out) == expected


def test_a_locked_measurement_is_confirmed_or_refused_but_not_replaced(again: Again) -> None:
    locked = sm.lock(again.out)
    before = {**contents(again.out), "run": (again.out / "run.json").read_bytes()}
    assert again.run().halves_resumed == 6
    assert {**contents(again.out), "run": (again.out / "run.json").read_bytes()} == before
    assert sm.check_lock(again.out) == locked

    for changes in ({"study_id": "other"}, {"run": {"timeout_s": 5.0}}):
        with pytest.raises(UsageError, match="locked"):
            again.run(**changes)
    scale_of_p02(again)
    with pytest.raises(UsageError, match="locked") as refused:
        again.run()
    assert "--force" in refused.value.remedy
    assert again.tried == []
    assert {**contents(again.out), "run": (again.out / "run.json").read_bytes()} == before

    again.run(force=True)
    with pytest.raises(UsageError, match=r"measured again|was altered after lock"):
        sm.check_lock(again.out)
    assert sm.lock(again.out).number == 2
