"""A lock: what it holds, what it notices, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_trial import Made

from scarmetrics.allocation import LockError, check_lock, lock
from scarmetrics.provenance import sha256_of

GROWING = ("audit.jsonl", "run.log")


def files_of(out: Path) -> list[str]:
    return sorted(
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if path.is_file() and "locks" not in path.parts and path.name not in GROWING
    )


def test_a_lock_holds_every_file_with_versions_and_times(locked: Path, made: Made) -> None:
    (path,) = (locked / "locks").iterdir()
    content = json.loads(path.read_text(encoding="utf-8"))
    assert sorted(content["files"]) == files_of(locked)
    for needed in ("measurements.csv", "masks/P01_left_baseline.png", "rois/P02_right_month3.png",
                   "config.yaml", "run.json"):  # fmt: skip
        assert content["files"][needed] == sha256_of(locked / needed)
    assert content["measured"]["started"] == made.started.isoformat(timespec="seconds")
    assert content["version"]
    assert content["study_id"] == "trial"
    assert str(locked.parent) not in path.read_text(encoding="utf-8")


def test_locking_what_is_locked_changes_nothing(locked: Path) -> None:
    first = check_lock(locked)
    again = lock(locked)
    assert again == first
    assert not again.is_new
    assert len(list((locked / "locks").iterdir())) == 1


def test_every_file_and_every_kind_of_change_is_noticed(made: Made, tmp_path: Path) -> None:
    out = made.write()
    lock(out)
    for name in files_of(out):
        copy = Path(shutil.copytree(out, tmp_path / "copy"))
        data = (copy / name).read_bytes()
        (copy / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(LockError) as changed:
            check_lock(copy)
        if name != "run.json":  # which may then be no JSON at all
            assert changed.value.altered == (name,)
            assert name in str(changed.value)
        (copy / name).unlink()
        with pytest.raises(LockError) as gone:
            check_lock(copy)
        assert name in str(gone.value)
        shutil.rmtree(copy)


@given(st.data())
def test_any_byte_of_a_table_counts(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    out = Made(tmp_path_factory.mktemp("any") / "out", ("P01",)).write()
    lock(out)
    table = out / "measurements.csv"
    original = table.read_bytes()
    place = data.draw(st.integers(0, len(original) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != original[place]))
    table.write_bytes(original[:place] + bytes([other]) + original[place + 1 :])
    with pytest.raises(LockError) as noticed:
        check_lock(out)
    assert noticed.value.altered == ("measurements.csv",)
    table.write_bytes(original)
    assert check_lock(out).number == 1


def test_an_added_file_is_noticed(locked: Path) -> None:
    (locked / "masks/P09_left_baseline.png").write_bytes(b"x")
    (locked / "notes.txt").write_text("hm", encoding="utf-8")
    with pytest.raises(LockError) as noticed:
        check_lock(locked)
    assert noticed.value.altered == ("masks/P09_left_baseline.png", "notes.txt")


def test_looking_at_the_folder_and_later_pages_are_no_change(locked: Path) -> None:
    (locked / "masks/Thumbs.db").write_bytes(b"x")
    (locked / ".DS_Store").write_bytes(b"x")
    for name in ("report", "review", "linked", "linked-1"):
        (locked / name).mkdir()
        (locked / name / "index.html").write_text("page", encoding="utf-8")
    assert check_lock(locked).number == 1


def test_a_new_measurement_needs_a_new_lock_and_the_old_one_stays(made: Made) -> None:
    out = made.write()
    lock(out)
    first = (out / "locks/lock-0001.json").read_bytes()
    made.measurements[0]["area_mm2"] += 1
    made.write()
    with pytest.raises(LockError, match="measured again after lock 1"):
        check_lock(out)
    second = lock(out)
    assert (second.number, second.is_new) == (2, True)
    assert check_lock(out) == second
    assert (out / "locks/lock-0001.json").read_bytes() == first
    content = json.loads((out / second.name).read_text(encoding="utf-8"))
    assert content["previous"] == json.loads(first)["digest"]


def test_what_was_edited_after_the_run_is_not_locked(made: Made) -> None:
    out = made.write()
    table = out / "measurements.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("0.2", "0.3"), encoding="utf-8")
    (out / "rois/P01_left_month3.png").unlink()
    with pytest.raises(LockError) as refused:
        lock(out)
    assert refused.value.altered == ("measurements.csv", "rois/P01_left_month3.png")
    assert not (out / "locks").exists()


def test_an_edited_table_is_not_locked_anew_by_editing_run_json_too(made: Made) -> None:
    out = made.write()
    lock(out)
    table = out / "changes.csv"
    table.write_bytes(table.read_bytes().replace(b"pass", b"fail"))
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    run["outputs"]["changes.csv"] = sha256_of(table)
    (out / "run.json").write_text(json.dumps(run), encoding="utf-8")
    with pytest.raises(LockError, match=r"run.json with them") as refused:
        lock(out)
    assert set(refused.value.altered) == {"changes.csv", "run.json"}


@pytest.mark.parametrize("key", ["locked", "files", "study_id", "digest", "previous"])
def test_an_edited_lock_is_noticed(locked: Path, key: str) -> None:
    path = locked / "locks/lock-0001.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content[key] = "other"
    path.chmod(0o644)
    path.write_text(json.dumps(content), encoding="utf-8")
    for function in (check_lock, lock):
        with pytest.raises(LockError, match=r"locks/lock-0001.json was altered"):
            function(locked)


def test_a_removed_earlier_lock_is_noticed(made: Made) -> None:
    out = made.write()
    lock(out)
    made.write()
    lock(out)
    (out / "locks/lock-0001.json").unlink()
    with pytest.raises(LockError, match=r"lock-0001.json is missing"):
        check_lock(out)


@pytest.mark.parametrize("state", ["interrupted", "running"])
def test_an_unfinished_run_is_not_locked(made: Made, state: str) -> None:
    out = made.write(state=state)
    with pytest.raises(LockError, match=state):
        lock(out)


def test_nothing_measured_and_no_measurement_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="nothing was measured"):
        lock(Made(tmp_path / "none", ()).write())
    (tmp_path / "other").mkdir()
    with pytest.raises(LockError, match="holds no measurement"):
        lock(tmp_path / "other")
    with pytest.raises(LockError, match="no folder absent"):
        lock(tmp_path / "absent")


def test_an_unlocked_measurement_says_how_to_lock_it(made: Made) -> None:
    with pytest.raises(LockError, match=r"not locked.*scarmetrics lock out"):
        check_lock(made.write())


def test_links_are_refused(made: Made, tmp_path: Path) -> None:
    out = made.write()
    (out / "masks").rename(tmp_path / "masks")
    (out / "masks").symlink_to(tmp_path / "masks", target_is_directory=True)
    with pytest.raises(LockError, match="masks is a link"):
        lock(out)
