"""Killed at any instant, a run loses what was under way and nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from small_study import command, contents, make_exports, started, study, wait_for

from scarmetrics.provenance import is_part

# SCARMETRICS_KILLS=20 tries more instants than a usual test run has time for.
KILLS = int(os.environ.get("SCARMETRICS_KILLS", "2"))
SUBJECTS = 3

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")


@pytest.fixture(scope="module")
def exports(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_exports(repository, tmp_path_factory.mktemp("kill") / "exports", SUBJECTS)


@pytest.fixture(scope="module")
def expected(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run that nothing disturbs gives, in this process."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    study().run(exports, out=out)
    return contents(out)


def test_killed_at_any_instant_it_goes_on_to_the_same_bytes(
    exports: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    instants = random.Random(20)
    for _ in range(KILLS):
        run = started(*command(exports, out, "--workers", "2"))
        wait_for(out / "run.json")
        time.sleep(instants.uniform(0, 4))
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        for record in out.glob("results/*.json"):
            assert is_part(record.name) or json.loads(record.read_text(encoding="utf-8"))
    finished = len(list(out.glob("results/P*.json")))
    run = started(*command(exports, out, "--workers", "2"))
    printed, _ = run.communicate(timeout=120)
    assert run.returncode == 0, printed
    assert contents(out) == expected
    counts = json.loads((out / "run.json").read_text(encoding="utf-8"))["counts"]
    assert counts["halves_resumed"] == finished


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_asked_to_end_it_keeps_what_is_finished_and_goes_on(
    exports: Path, expected: dict[str, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    run = started(*command(exports, out, "--workers", "1"))
    wait_for(out / "results/P0*.json")
    os.killpg(run.pid, number)  # as a terminal and a batch system do it: all processes get it
    printed, _ = run.communicate(timeout=60)
    assert run.returncode == 130, printed
    assert "interrupted: 2 halves measured" in printed
    about = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert about["state"] == "interrupted"
    assert "P01_left" in (out / "run.json").read_text(encoding="utf-8")
    assert not list(out.glob("*/P03*"))
    assert not (out / "run.lock").exists()
    if number == signal.SIGTERM:
        summary = study().run(exports, out=out)
        assert summary.halves_resumed == 2
        assert contents(out) == expected
