"""A small study that is measured quickly, and functions that stand in for measuring in a worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import scarmetrics as sm
from scarmetrics.models import FailedHalf
from scarmetrics.opencv import cv2
from scarmetrics.provenance import sha256_of, sha256_of_json
from scarmetrics.runner.finish import Finish
from scarmetrics.runner.jobs import HalfOutcome
from scarmetrics.runner.worker import run_job

SETTINGS = {
    "study_id": "small",
    "segmentation": {"method": "classical", "min_diameter_mm": 2.4},
    "overlay": {"max_side_px": 200},
}
NOT_COMPARED = ("run.json", "run.log", "audit.jsonl")  # hold times


def config(**changes: object) -> sm.StudyConfig:
    return sm.StudyConfig.model_validate({**SETTINGS, **changes})


def study(**changes: object) -> sm.Study:
    return sm.Study(config(**changes))


def make_exports(repository: Path, exports: Path, subjects: int) -> Path:
    """The committed photographs at half size, for several subjects, each with bytes of its own."""
    source = repository / "fixtures/images/exports"
    visits = ("baseline", "month3")
    lines = ["subject_id,visit,view,path,mm_per_px,mm_per_px_rel_sd"]
    for visit in visits:
        picture = cv2.imread(str(source / f"P01/{visit}_frontal.jpg"))
        small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        data = cv2.imencode(".png", small)[1].tobytes()
        for number in range(1, subjects + 1):
            name = f"P{number:02}/{visit}_frontal.png"
            (exports / name).parent.mkdir(parents=True, exist_ok=True)
            (exports / name).write_bytes(data + bytes([number]))
            lines.append(f"P{number:02},{visit},frontal,{name},0.5825,0.01")
    (exports / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return exports


def contents(out: Path) -> dict[str, bytes]:
    """Bytes of everything that a run wrote and that does not hold a time."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in NOT_COMPARED
    }


def command(exports: Path, out: Path, *options: str) -> list[str]:
    """A run of the command line in another process, with the settings of this module."""
    settings = exports.parent / "small.yaml"
    settings.write_text(
        "study_id: small\nsegmentation: {method: classical, min_diameter_mm: 2.4}\n"
        "overlay: {max_side_px: 200}\n",
        encoding="utf-8",
    )
    code = "import sys; from scarmetrics.cli import main; sys.argv[0] = 'scarmetrics'; main()"
    return [sys.executable, "-W", "error", "-c", code, "run", str(exports), "--out", str(out),
            "--config", str(settings), *options]  # fmt: skip


class Killed(BaseException):
    """Ends a run in this process where SIGKILL would."""


@contextmanager
def killed_before_its_end() -> Iterator[None]:
    """A run in it has measured everything and dies before it writes the tables."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Finish, "write", die)
        with pytest.raises(Killed):
            yield


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(Path(sm.__file__).parents[1])},
        start_new_session=True,
    )


def wait_for(path: Path, seconds: float = 60) -> None:
    """Wait until something matches the last part of a path, or fail."""
    end = time.monotonic() + seconds
    while not list(path.parent.glob(path.name)):
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.02)


# Each stands in for run_job; what it does to P02 is told by its name.


def die_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    if job.subject_id == "P02":
        os._exit(1)
    return quick(job, config, out)


def segfault_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    if job.subject_id == "P02":
        os.kill(os.getpid(), signal.SIGSEGV)
    return quick(job, config, out)


def raise_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    if job.subject_id == "P02":
        raise RuntimeError("/secret/place")
    return quick(job, config, out)


def hang_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    while job.subject_id == "P02":
        time.sleep(1)
    return quick(job, config, out)


def run_out_of_memory_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    if job.subject_id == "P02":
        raise MemoryError
    return quick(job, config, out)


def stop_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    if job.subject_id == "P02":
        os.kill(os.getpid(), signal.SIGSTOP)
    return quick(job, config, out)


def leave_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    if job.subject_id == "P02":
        sys.exit(0)
    return quick(job, config, out)


def kill_on_p02(job, config, out):  # type: ignore[no-untyped-def]
    if job.subject_id == "P02":
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(job, config, out)


def die_once(job, config, out):  # type: ignore[no-untyped-def]
    marker = out / ".died"
    if job.subject_id == "P02" and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(job, config, out)


def slow(job, config, out):  # type: ignore[no-untyped-def]
    (out / f".measuring-{job.subject_id}").touch()
    time.sleep(1.5)
    return run_job(job, config, out)


def quick(job, config, out):  # type: ignore[no-untyped-def]
    """No measurement: every half has the failure of a face that was not found."""
    (out / f".tried-{job.subject_id}").touch()
    outcomes = job.failed(FailedHalf("face_not_found"))
    for outcome in outcomes:
        for record in (job.baseline, job.follow_up):
            outcome.photographs[record.path_relative] = sha256_of(record.path)
    return outcomes


def stand_in(job, config, out):  # type: ignore[no-untyped-def]
    """Rows and pictures that depend on all that a measurement does, in no time."""
    visits = (job.baseline, job.follow_up)
    inputs = {record.path_relative: sha256_of(record.path) for record in visits}
    outcomes = []
    for side in job.sides:
        facts = [record.model_dump(mode="json", exclude={"path", "source"}) for record in visits]
        settings = config.recorded()
        made = [side, facts, inputs, settings["quality"], settings["overlay"], config.study_id]
        text = sha256_of_json(made)
        outcome = HalfOutcome(side, inputs=dict(inputs), photographs=dict(inputs))
        half = {"study_id": config.study_id, "subject_id": job.subject_id, "side": side,
                "qc_flags": "", "qc_status": "pass"}  # fmt: skip
        for record in visits:
            name = f"masks/{job.subject_id}_{side}_{record.visit}.png"
            (out / name).write_bytes(text.encode())
            outcome.files[name] = sha256_of(out / name)
            row = {"visit": record.visit, "area_mm2": int(text[:8], 16) / 7,
                   "image_sha256": inputs[record.path_relative]}  # fmt: skip
            outcome.measurements.append({**half, **row})
        outcome.changes.append({**half, "change_mm2": np.float64(int(text[8:16], 16) / 7)})
        outcomes.append(outcome)
    return tuple(outcomes)


def copy_study(exports: Path, out: Path, to: Path) -> tuple[Path, Path]:
    shutil.copytree(exports, to / "exports")
    shutil.copytree(out, to / "out")
    return to / "exports", to / "out"
