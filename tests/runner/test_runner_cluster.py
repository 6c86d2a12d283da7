"""The same study on the workers of a Dask scheduler."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_study
from small_study import config, contents, make_exports, study

from scarmetrics.errors import ExitCode, UsageError
from scarmetrics.runner import Progress, cluster, remote
from scarmetrics.runner.identity import fingerprint

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def exports(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_exports(repository, tmp_path_factory.mktemp("cluster") / "exports", 3)


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    """Two workers in processes of their own on this machine."""
    with distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None
    ) as made:
        yield made


def test_a_worker_that_is_killed_changes_no_byte(
    exports: Path, workers: Any, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one(step: Progress) -> None:
        if step.done and not killed:
            killed.append(next(iter(workers.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    address = workers.scheduler_address
    summary = study().run(exports, out=tmp_path / "many", scheduler=address, progress=kill_one)
    assert killed
    assert summary.exit_code == ExitCode.OK
    study().run(exports, out=tmp_path / "one")
    assert contents(tmp_path / "many") == contents(tmp_path / "one")
    text = (tmp_path / "many/run.json").read_text(encoding="utf-8")
    assert os.uname().nodename not in text
    assert study().run(exports, out=tmp_path / "many", scheduler="tcp://no:1").halves_resumed == 6


@pytest.mark.parametrize(
    "fault", [("segfault_on_p02", "worker_crashed"), ("hang_on_p02", "worker_timeout")]
)
def test_a_fault_costs_its_pair_only(
    exports: Path,
    workers: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[str, str],
) -> None:
    function, reason = fault
    monkeypatch.setattr(cluster, "run_job", getattr(small_study, function))
    measured = study(run={"timeout_s": 1.0})
    summary = measured.run(exports, out=tmp_path / "out", scheduler=workers.scheduler_address)
    reasons = {(f.subject_id, f.reason_code) for f in summary.failures}
    assert reasons == {("P01", "face_not_found"), ("P02", reason), ("P03", "face_not_found")}


def test_an_interrupt_ends_what_the_workers_do(
    exports: Path, workers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "run_job", small_study.slow)

    def stop(step: Progress) -> None:
        if step.done:
            raise KeyboardInterrupt

    out = tmp_path / "out"
    summary = study().run(exports, out=out, scheduler=workers.scheduler_address, progress=stop)
    assert summary.exit_code == ExitCode.INTERRUPTED
    left = contents(out)
    time.sleep(3)  # longer than a pair takes
    assert {n for n in contents(out) if "measuring" not in n} == {
        n for n in left if "measuring" not in n
    }


def test_workers_with_other_versions_are_refused_before_anything_is_touched(
    exports: Path, workers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "fingerprint", lambda c: {**fingerprint(c), "numpy": "0.1"})
    with pytest.raises(UsageError, match=r"numpy is .* instead of 0\.1") as refused:
        study().run(exports, out=tmp_path / "out", scheduler=workers.scheduler_address)
    assert os.uname().nodename not in str(refused.value)
    assert not (tmp_path / "out/run.json").exists()


def test_a_worker_that_comes_late_is_compared_too(
    exports: Path, workers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "fingerprint", lambda c: {**fingerprint(c), "numpy": "0.1"})
    monkeypatch.setattr(cluster, "_check_present", lambda *_: None)  # as if none was there yet
    with pytest.raises(UsageError, match=r"numpy is .* instead of 0\.1"):
        study().run(exports, out=tmp_path / "out", scheduler=workers.scheduler_address)
    run = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))
    assert run["state"] == "running"


def test_a_worker_says_which_files_it_does_not_see(exports: Path, tmp_path: Path) -> None:
    here = remote.Expected(
        fingerprint=fingerprint(config()),
        photograph=str(exports / "P01/month3_frontal.png"),
        photograph_sha256=remote.file_hash(exports / "P01/month3_frontal.png"),
        probe=str(exports / "manifest.csv"),
        probe_sha256=remote.file_hash(exports / "manifest.csv"),
    )
    assert remote.check_worker(here, config()) == ()
    blind = replace(here, probe=str(tmp_path / "run.lock"))
    assert remote.check_worker(blind, config()) == ("the output folder is not seen there",)
    blind = replace(here, photograph=str(tmp_path / "x.png"))
    assert remote.check_worker(blind, config()) == ("the photographs are not seen there",)
    (difference,) = remote.check_worker(here, config(segmentation={"method": "mine"}))
    assert "mine" in difference


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "carrier://pigeon"])
def test_a_scheduler_that_cannot_be_reached_is_one_clear_line(
    exports: Path, tmp_path: Path, address: str
) -> None:
    with pytest.raises(UsageError, match="cannot be reached") as refused:
        study().run(exports, out=tmp_path / "out", scheduler=address)
    assert "check" in refused.value.remedy
    assert not (tmp_path / "out/run.json").exists()


def test_without_dask_it_says_how_to_get_it(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match="not installed") as refused:
        study().run(exports, out=tmp_path / "out", scheduler="tcp://127.0.0.1:1")
    assert "scarmetrics[cluster]" in refused.value.remedy


def test_the_recipe_measures_on_a_scheduler(
    exports: Path,
    workers: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repository: Path,
) -> None:
    recipe = runpy.run_path(str(repository / "pipelines/cluster.py"))
    monkeypatch.setattr(cluster, "run_job", small_study.stand_in)
    arguments = [str(exports), "--out", str(tmp_path / "out"), "--scheduler"]
    assert recipe["main"]([*arguments, workers.scheduler_address]) == ExitCode.OK
    assert len(list(tmp_path.glob("out/results/*.json"))) == 6
    with pytest.raises(SystemExit) as stopped:
        recipe["main"]([*arguments[:-2], str(tmp_path / "new"), "--scheduler", "tcp://127.0.0.1:1"])
    assert stopped.value.code == 2


def test_nothing_of_dask_is_loaded_without_a_scheduler() -> None:
    code = "import sys, scarmetrics.runner.batch; sys.exit('distributed' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )
