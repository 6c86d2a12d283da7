"""Disks that are full, read-only or gone: one clear error, nothing finished is lost."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from runner.small_study import contents, make_exports, stand_in, study

import scarmetrics as sm
from scarmetrics.errors import ExitCode, UsageError
from scarmetrics.models import FailedHalf
from scarmetrics.provenance import is_part
from scarmetrics.runner import Progress, pool

Refuse = Callable[..., None]


@pytest.fixture(scope="module")
def exports(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_exports(repository, tmp_path_factory.mktemp("disk") / "exports", 2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "run_job", guarded)


def guarded(job: Any, config: Any, out: Path) -> Any:
    """As measuring does, make pictures that cannot be written a failure of their half."""
    try:
        return stand_in(job, config, out)
    except OSError as error:
        return job.failed(FailedHalf("output_unwritable", error.strerror or ""))


@pytest.fixture
def expected(exports: Path, tmp_path: Path) -> dict[str, bytes]:
    """What a run that nothing disturbs gives."""
    study().run(exports, out=tmp_path / "undisturbed")
    return contents(tmp_path / "undisturbed")


def stopped(exports: Path, out: Path, **options: Any) -> UsageError:
    """The error of a run that cannot go on; it says what to do, and nothing of this machine."""
    with pytest.raises(UsageError) as refused:
        study().run(exports, out=out, **options)
    error = refused.value
    assert error.remedy
    assert str(out.parent) not in str(error)
    return error


def records(out: Path) -> int:
    return len(list(out.glob("results/P*.json")))


def no_halves_of_tables(out: Path) -> bool:
    tables = [*out.glob("*.csv"), *out.glob("*.parquet")]
    return not tables and not any(is_part(path.name) for path in out.rglob("*"))


def goes_on(exports: Path, out: Path, expected: dict[str, bytes]) -> None:
    """The next run takes over all that was finished, and ends as if nothing had happened."""
    finished = records(out)
    assert study().run(exports, out=out).halves_resumed == finished
    assert contents(out) == expected
    assert sm.verify(out, exports)


@pytest.fixture
def refuse_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., pytest.MonkeyPatch]]:
    """Have the system refuse to put one file into its place."""
    with monkeypatch.context() as patched:

        def refuse(name: str, number: int, skip: int = 0) -> pytest.MonkeyPatch:
            original, seen = Path.replace, []

            def replace(self: Path, target: Path) -> Path:
                if target.name == name:
                    seen.append(name)
                    if len(seen) > skip:
                        raise OSError(number, os.strerror(number), str(self), None, str(target))
                return original(self, target)

            patched.setattr(Path, "replace", replace)
            return patched

        yield refuse


@pytest.mark.parametrize(
    ("name", "number", "skip", "word"),
    [
        ("P01_left.json", errno.ENOSPC, 0, "free space"),
        ("P02_right.json", errno.ENOSPC, 0, "free space"),
        ("P02_left.json", errno.EDQUOT, 0, "quota"),
        ("P02_left.json", errno.EACCES, 0, "permissions"),
        ("P02_left.json", errno.EROFS, 0, "writable"),
        ("P02_left.json", errno.EIO, 0, "connection"),
        ("P02_left.json", errno.ESTALE, 0, "network"),
        ("measurements.csv", errno.ENOSPC, 0, "free space"),
        ("changes.csv", errno.EDQUOT, 0, "quota"),
        ("scars.parquet", errno.ENOSPC, 0, "free space"),
        ("failures.parquet", errno.EACCES, 0, "permissions"),
        ("config.yaml", errno.ENOSPC, 0, "free space"),
        ("run.json", errno.ENOSPC, 1, "free space"),
        ("run.json", errno.EROFS, 1, "writable"),
    ],
)
def test_a_file_that_is_refused_stops_the_run_and_the_next_one_goes_on(  # noqa: PLR0917
    exports: Path,
    tmp_path: Path,
    expected: dict[str, bytes],
    refuse_file: Callable[..., pytest.MonkeyPatch],
    name: str,
    number: int,
    skip: int,
    word: str,
) -> None:
    out = tmp_path / "out"
    patched = refuse_file(name, number, skip)
    error = stopped(exports, out)
    assert os.strerror(number) in error.message
    assert word in error.remedy
    assert no_halves_of_tables(out)
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["state"] == "running"
    assert "stopped: " in (out / "run.log").read_text(encoding="utf-8")
    last = (out / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["event"] == "run_stopped"
    patched.undo()
    patched.setattr(pool, "run_job", guarded)
    goes_on(exports, out, expected)


def test_an_out_that_cannot_even_begin_is_left_as_it_was(
    exports: Path, tmp_path: Path, refuse_file: Callable[..., pytest.MonkeyPatch]
) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    before = contents(out)
    patched = refuse_file("run.json", errno.ENOSPC)
    assert "No space" in stopped(exports, out).message
    assert contents(out) == before
    patched.undo()
    assert sm.verify(out)


@pytest.mark.parametrize("event", [0, 2, 5])
@pytest.mark.parametrize("part", [0, 40])
def test_a_history_that_cannot_be_written_stops_the_run_and_stays_whole(  # noqa: PLR0917
    exports: Path,
    tmp_path: Path,
    expected: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    event: int,
    part: int,
) -> None:
    """At its start, at a half and at its end; nothing of the line is written, or a part of it."""
    out, original, events = tmp_path / "out", os.write, []

    def write(handle: int, data: bytes) -> int:
        if Path(f"/proc/self/fd/{handle}").readlink().name != "audit.jsonl":
            return original(handle, data)
        events.append(len(data))
        if len(events) == event + 1 and part:
            return original(handle, data[:part])
        if len(events) > event:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(handle, data)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc to tell files apart")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        error = stopped(exports, out)
    assert "audit.jsonl" in error.message
    text = (out / "audit.jsonl").read_bytes()
    assert text.count(b"\n") == event
    assert not text or text.endswith(b"\n")
    finished = records(out)
    assert study().run(exports, out=out).halves_resumed == finished
    assert contents(out) == expected
    assert sm.verify(out)


def test_a_log_that_cannot_be_written_costs_no_result(
    exports: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    (out / "run.log").unlink()
    (out / "run.log").mkdir()
    summary = study().run(exports, out=out, force=True)
    assert summary.exit_code == ExitCode.OK
    assert [problem.split(" ")[0] for problem in summary.problems] == ["run.log"]
    assert contents(out) == expected


def test_pages_that_cannot_be_written_cost_no_result(
    exports: Path, tmp_path: Path, refuse_file: Callable[..., pytest.MonkeyPatch]
) -> None:
    out = tmp_path / "out"
    refuse_file("index.html", errno.ENOSPC)
    summary = study().run(exports, out=out)
    assert summary.halves_measured == 4
    (problem,) = summary.problems
    assert "pages" in problem
    assert "No space left" in problem
    assert "No space left" in (out / "run.log").read_text(encoding="utf-8")
    assert len(list(out.glob("*.csv"))) == 5
    assert sm.verify(out, exports)


def at_p01(action: Callable[[], object]) -> Callable[[Progress], None]:
    def listener(step: Progress) -> None:
        if step.subject_id == "P01":
            action()

    return listener


def test_an_out_that_is_removed_is_not_made_again(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    error = stopped(exports, out, progress=at_p01(lambda: shutil.rmtree(out)))
    assert "removed" in error.message or "No such file" in error.message
    assert not out.exists()


def test_an_out_that_is_moved_goes_on_where_it_is_now(exports: Path, tmp_path: Path) -> None:
    out, moved = tmp_path / "out", tmp_path / "moved"
    error = stopped(exports, out, progress=at_p01(lambda: out.rename(moved)))
    assert "moved" in error.message
    assert not out.exists()
    assert study().run(exports, out=moved).halves_resumed == 2
    assert sm.verify(moved, exports)


def test_an_out_that_another_folder_replaced_is_not_written_to(
    exports: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def replace() -> None:
        out.rename(tmp_path / "moved")
        (out / "masks").mkdir(parents=True)

    assert "replaced" in stopped(exports, out, progress=at_p01(replace)).message
    assert not any(path.suffix == ".json" for path in out.rglob("*"))


def test_an_out_that_became_a_file_is_left_alone(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def replace() -> None:
        out.rename(tmp_path / "moved")
        out.write_text("mine", encoding="utf-8")

    error = stopped(exports, out, progress=at_p01(replace))
    assert "moved, removed or replaced" in error.message or "Not a directory" in error.message
    assert out.read_text(encoding="utf-8") == "mine"


def test_a_parent_that_is_a_file_is_told_before_anything_is_measured(
    exports: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    error = stopped(exports, tmp_path / "file" / "out")
    assert "out cannot be written (Not a directory)" in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(exports: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o500)
    assert "Permission denied" in stopped(exports, tmp_path / "mine" / "out").message


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB of one's own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("needs the right to mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> None:
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as full:
            if full.errno != errno.ENOSPC:
                raise


def test_a_disk_that_fills_up_while_it_measures(
    exports: Path, small_disk: Path, expected: dict[str, bytes]
) -> None:
    out = small_disk / "out"
    error = stopped(exports, out, progress=at_p01(lambda: fill(small_disk)))
    assert "No space left" in error.message
    assert no_halves_of_tables(out)
    assert records(out) == 2
    (small_disk / "ballast").unlink()
    goes_on(exports, out, expected)


def test_a_disk_that_is_full_when_the_tables_are_written(
    exports: Path, small_disk: Path, expected: dict[str, bytes]
) -> None:
    out = small_disk / "out"

    def last(step: Progress) -> None:
        if step.done == step.total:
            fill(small_disk)

    assert "No space left" in stopped(exports, out, progress=last).message
    assert no_halves_of_tables(out)
    assert records(out) == 4
    (small_disk / "ballast").unlink()
    goes_on(exports, out, expected)


def test_a_disk_that_is_full_before_the_run(exports: Path, small_disk: Path) -> None:
    (small_disk / "out").mkdir()
    fill(small_disk)
    assert "No space left" in stopped(exports, small_disk / "out").message
    assert list((small_disk / "out").iterdir()) == []


def test_a_limit_of_file_sizes_is_told(
    exports: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    out = tmp_path / "out"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))

    try:
        error = stopped(exports, out, progress=at_p01(limit))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in error.message
    assert "ulimit -f" in error.remedy
    assert records(out) == 2
    goes_on(exports, out, expected)


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_what_is_written_has_the_permissions_of_the_umask(
    exports: Path, tmp_path: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        study().run(exports, out=tmp_path / "out")
        sm.lock(tmp_path / "out")
    finally:
        os.umask(before)
    for path in (tmp_path / "out").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if "lock-" in path.name:
            assert mode == 0o444 & ~umask
        else:
            assert mode == (0o777 if path.is_dir() else 0o666) & ~umask, path.name
