"""Two runs never write into one folder, and a dead one does not block it."""

from __future__ import annotations

import errno
import getpass
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_study import contents, make_exports, quick, started, study, wait_for

from scarmetrics.errors import UsageError
from scarmetrics.runner import pool, runlock
from scarmetrics.runner.runlock import run_lock

HOLD = """
import sys, time
from pathlib import Path
from scarmetrics.runner.runlock import run_lock
with run_lock(Path(sys.argv[1])):
    Path(sys.argv[1], ".held").touch()
    time.sleep(60)
"""


@pytest.fixture
def exports(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pool, "run_job", quick)
    return make_exports(repository, tmp_path / "exports", 1)


def held(out: Path) -> subprocess.Popen[str]:
    other = started(sys.executable, "-c", HOLD, str(out))
    wait_for(out / ".held")
    return other


def test_a_second_run_is_refused_and_the_first_is_left_alone(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    other = held(out)
    before = contents(out)
    try:
        with pytest.raises(
            UsageError, match=f"another run .*process {other.pid} of this"
        ) as refused:
            study().run(exports, out=out)
        text = (out / "run.lock").read_text(encoding="utf-8")
    finally:
        other.kill()
        other.communicate()
    assert "--out" in refused.value.remedy
    assert contents(out) == before
    assert os.uname().nodename not in text
    assert getpass.getuser() not in text


def test_the_lock_of_a_process_that_was_killed_does_not_hold(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    other = held(out)
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    assert (out / "run.lock").exists()
    assert study().run(exports, out=out).halves_resumed == 2
    assert not (out / "run.lock").exists()


def test_a_run_that_died_before_its_first_file_does_not_block_the_folder(
    exports: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.lock").write_text('{"pid": 1', encoding="utf-8")
    (out / f".{'0' * 32}.json").write_text("{", encoding="utf-8")
    study().run(exports, out=out)
    assert not list(out.glob(".0*"))


@pytest.fixture
def no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks, as some network folders are."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(runlock.fcntl, "flock", refuse)


@pytest.mark.usefixtures("no_flock")
def test_without_locks_of_the_file_system_the_process_is_looked_for(
    exports: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    with run_lock(out):
        with pytest.raises(UsageError, match="another run"):
            study().run(exports, out=out)
        holder = json.loads((out / "run.lock").read_text(encoding="utf-8"))
    for ended in ({"pid": 2**22 + 1}, {"born": "1"}):  # no such process; its number is another's
        (out / "run.lock").write_text(json.dumps({**holder, **ended}), encoding="utf-8")
        assert study().run(exports, out=out).halves_resumed == 2


@pytest.mark.usefixtures("no_flock")
def test_a_lock_of_another_machine_says_what_to_do(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    holder = {"pid": 1, "born": "1", "boot": "another", "since": "2024-01-01T00:00:00+00:00"}
    (out / "run.lock").write_text(json.dumps(holder), encoding="utf-8")
    with pytest.raises(UsageError, match="another machine, since 2024") as refused:
        study().run(exports, out=out)
    assert "remove out/run.lock" in refused.value.remedy
    (out / "run.lock").unlink()
    assert study().run(exports, out=out).halves_resumed == 2
