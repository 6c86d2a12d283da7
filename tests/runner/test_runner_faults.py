"""What a process that dies, hangs or raises costs: its pair, and nothing else."""

from __future__ import annotations

import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import small_study
from small_study import make_exports, quick, study

import scarmetrics as sm
from scarmetrics.errors import ExitCode, UsageError
from scarmetrics.runner import cores, pool


@pytest.fixture(scope="module")
def exports(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_exports(repository, tmp_path_factory.mktemp("faults") / "exports", 3)


def reasons(summary: sm.RunSummary) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for failure in summary.failures:
        found.setdefault(failure.subject_id, set()).add(failure.reason_code)
    return found


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("die_on_p02", "worker_crashed"),
        ("segfault_on_p02", "worker_crashed"),
        ("kill_on_p02", "worker_crashed"),
        ("leave_on_p02", "worker_crashed"),
        ("run_out_of_memory_on_p02", "internal_error"),
        ("stop_on_p02", "worker_timeout"),
        ("raise_on_p02", "internal_error"),
        ("hang_on_p02", "worker_timeout"),
    ],
)
def test_a_fault_costs_its_pair_only_and_is_tried_again_by_the_next_run(
    exports: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    reason: str,
) -> None:
    out = tmp_path / "out"
    measured = study(run={"timeout_s": 1.0})
    monkeypatch.setattr(pool, "run_job", getattr(small_study, fault))
    summary = measured.run(exports, out=out, workers=2)
    expected = {"P01": {"face_not_found"}, "P02": {reason}, "P03": {"face_not_found"}}
    assert reasons(summary) == expected
    assert Counter(f.side for f in summary.failures) == {"left": 3, "right": 3}
    assert "/secret" not in (out / "failures.csv").read_text(encoding="utf-8")
    for marker in out.glob(".tried-*"):
        marker.unlink()
    monkeypatch.setattr(pool, "run_job", quick)
    again = measured.run(exports, out=out)
    assert [path.name for path in out.glob(".tried-*")] == [".tried-P02"]
    assert again.halves_resumed == 4
    assert {code for codes in reasons(again).values() for code in codes} == {"face_not_found"}


def test_a_process_that_dies_once_costs_nothing(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(pool, "run_job", small_study.die_once)
    summary = study().run(exports, out=out, workers=1, isolate=True)
    assert (out / ".died").exists()
    assert set().union(*reasons(summary).values()) == {"face_not_found"}


def test_processes_that_cannot_start_stop_the_run(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("only_in_the_parent")
    exec("def run_job(job, config, out): ...", module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(pool, "run_job", module.run_job)
    with pytest.raises(UsageError, match="cannot be started"):
        study().run(exports, out=tmp_path / "out", workers=2)
    monkeypatch.undo()
    monkeypatch.setattr(pool, "run_job", quick)
    assert len(study().run(exports, out=tmp_path / "out").failures) == 6


def test_an_answer_that_came_before_the_interrupt_is_kept(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes answer; the listener stops the run at the first answer."""
    monkeypatch.setattr(pool, "run_job", small_study.quick)

    def stop(step: sm.runner.Progress) -> None:
        if step.done:
            raise KeyboardInterrupt

    summary = study().run(exports, out=tmp_path / "out", workers=2, progress=stop)
    assert summary.exit_code == ExitCode.INTERRUPTED
    assert 1 <= len(reasons(summary)) <= 3


@pytest.mark.parametrize(
    ("files", "cpus", "workers"),
    [
        ({}, 4, 4),
        ({"cpu.max": "250000 100000\n"}, 8, 2),
        ({"cpu.max": "50000 100000\n"}, 8, 1),
        ({"cpu.max": "max 100000\n", "memory.max": "max\n", "memory.current": "1\n"}, 3, 3),
        ({"memory.max": "5000000000\n", "memory.current": "1000000000\n"}, 8, 2),
        ({"meminfo": "MemTotal: 16000000 kB\nMemAvailable: 7400000 kB\n"}, 8, 3),
        ({"meminfo": "MemTotal: 16000000 kB\nMemAvailable: 100 kB\n"}, 8, 1),
    ],
)
def test_auto_takes_what_cores_container_and_memory_allow(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    cpus: int,
    workers: int,
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    monkeypatch.setattr(cores, "_CGROUP", tmp_path)
    monkeypatch.setattr(cores, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(cpus)))
    assert cores.available_workers() == workers


def test_auto_measures(exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "run_job", quick)
    options: dict[str, Any] = {"out": tmp_path / "out", "workers": "auto"}
    assert len(study().run(exports, **options).failures) == 6
