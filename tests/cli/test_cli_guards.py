"""What the command line refuses so that nothing is overwritten or taken for something else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scarmetrics.cli.demo import run_demo
from scarmetrics.config import parse_config
from scarmetrics.errors import ConfigError, UsageError
from scarmetrics.runner import Study


def test_the_demo_overwrites_nothing_but_an_earlier_demo(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    photograph = mine / "study/exports/P01/baseline_frontal.jpg"
    photograph.parent.mkdir(parents=True)
    photograph.write_bytes(b"a patient")
    with pytest.raises(UsageError, match="holds other files"):
        run_demo(mine, workers=1, subjects=1, seed=1)
    assert photograph.read_bytes() == b"a patient"
    demo = tmp_path / "demo"
    assert run_demo(demo, workers=1, subjects=2, seed=1) == 0
    assert run_demo(demo, workers=1, subjects=1, seed=1) == 0
    assert [path.name for path in (demo / "study/exports").glob("P*")] == ["P01"]


def test_a_named_manifest_that_is_not_there_is_not_ignored(repository: Path) -> None:
    study = Study(parse_config("ingest:\n  manifest: trial.csv\n", "study.yaml"))
    with pytest.raises(ConfigError, match=r"study.yaml, line 2, column .*trial.csv"):
        study.plan(repository / "fixtures/images/exports")


@pytest.mark.parametrize("name", ["../x.csv", "/etc/passwd", "", "notes.txt", "a/b.csv"])
def test_a_manifest_is_a_file_name(name: str) -> None:
    with pytest.raises(ConfigError, match="manifest"):
        parse_config(f"ingest:\n  manifest: '{name}'\n")


def test_no_is_not_a_number() -> None:
    with pytest.raises(ConfigError, match="min_contrast"):
        parse_config("segmentation:\n  min_contrast: no\n")


def test_an_unknown_method_names_its_line(repository: Path) -> None:
    study = Study(parse_config("segmentation:\n  method: magic\n", "study.yaml"))
    with pytest.raises(ConfigError, match=r"study.yaml, line 2, column .*classical"):
        study.plan(repository / "fixtures/images/exports")


def children_of(pid: int) -> list[int]:
    task = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in task.read_text(encoding="utf-8").split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc to see processes")
def test_workers_end_with_their_parent(repository: Path, tmp_path: Path) -> None:
    command = "import sys; from scarmetrics.cli import main; sys.argv[0] = 'scarmetrics'; main()"
    exports = tmp_path / "exports"
    for subject in ("P01", "P02", "P03", "P04"):
        folder = exports / subject
        folder.mkdir(parents=True)
        for source in (repository / "fixtures/images/exports/P01").iterdir():
            (folder / source.name).write_bytes(source.read_bytes())
    run = subprocess.Popen(
        [sys.executable, "-c", command, "run", str(exports), "--out", str(tmp_path / "out"),
         "--workers", "2"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    workers: list[int] = []
    while run.poll() is None and len(workers) < 3:  # two workers and multiprocessing's tracker
        workers = children_of(run.pid)
        time.sleep(0.05)
    assert run.poll() is None
    run.kill()
    run.wait()
    for _ in range(600):
        if not any(alive(worker) for worker in workers):
            break
        time.sleep(0.1)
    left = [worker for worker in workers if alive(worker)]
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert left == []


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
