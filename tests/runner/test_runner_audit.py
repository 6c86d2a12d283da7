"""The history of OUT: complete, chained, and every alteration is noticed."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

import pytest
from small_study import killed_before_its_end, make_exports, stand_in, study

import scarmetrics as sm
from scarmetrics.allocation import LockError
from scarmetrics.provenance import sha256_of
from scarmetrics.runner import Progress, pool
from scarmetrics.runner.audit import append, read_chain


@pytest.fixture
def exports(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pool, "run_job", stand_in)
    return make_exports(repository, tmp_path / "exports", 2)


@pytest.fixture
def out(exports: Path, tmp_path: Path) -> Path:
    study().run(exports, out=tmp_path / "out")
    return tmp_path / "out"


def events(out: Path) -> list[str]:
    return [str(event["event"]) for event in read_chain(out).events]


def test_every_event_is_told_and_names_what_it_is_about(exports: Path, out: Path) -> None:
    study().run(exports, out=out, force=True)
    chain = read_chain(out)
    assert events(out) == ["run_started", *["half"] * 4, "run_finished"] * 2
    assert chain.problems == ()
    assert chain.events[-1]["run_sha256"] == sha256_of(out / "run.json")
    halves = [event for event in chain.events if event["event"] == "half"]
    assert [bool(half.get("again")) for half in halves] == [False] * 4 + [True] * 4
    assert halves[-1]["record_sha256"] == sha256_of(out / "results/P02_right.json")
    for name in ("audit.jsonl", "run.log"):
        text = (out / name).read_text(encoding="utf-8")
        assert str(out.parent) not in text
        assert os.uname().nodename not in text
        assert f'"{getpass.getuser()}"' not in text


def test_an_interrupted_and_a_killed_run_are_told(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"

    def stop(step: Progress) -> None:
        if step.subject_id == "P01":
            raise KeyboardInterrupt

    study().run(exports, out=out, progress=stop)
    assert events(out)[-1] == "run_interrupted"
    with killed_before_its_end():
        study().run(exports, out=out)
    found = sm.verify(out)
    assert found
    assert any("did not come to its end" in note for note in found.notes)
    study().run(exports, out=out)
    starts = [event for event in read_chain(out).events if event["event"] == "run_started"]
    assert [event["earlier_run"] for event in starts] == ["none", "interrupted", "running"]
    assert sm.verify(out, exports)


@pytest.mark.parametrize("cut", [1, 2, 70, 150])
def test_a_line_that_a_killed_process_left_is_kept_and_told(
    exports: Path, out: Path, cut: int
) -> None:
    path = out / "audit.jsonl"
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)
    before = len(read_chain(out).hashes)
    study().run(exports, out=out)
    chain = read_chain(out)
    assert path.read_bytes().startswith(torn + b"\n")
    assert chain.problems == ()
    told = [event for event in chain.events if event["event"] == "line_torn"]
    assert [event["bytes"] for event in told] == [len(torn.split(b"\n")[-1])]
    assert len(chain.hashes) == before + 4  # the torn line, what tells of it, start and end
    assert sm.verify(out)


def test_each_change_of_the_history_is_noticed(out: Path) -> None:
    path = out / "audit.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    wrong = {
        "changed": [lines[0], lines[1].replace(b"left", b"LEFT"), *lines[2:]],
        "removed": [lines[0], *lines[2:]],
        "moved": [lines[0], lines[2], lines[1], *lines[3:]],
        "added": [*lines, lines[-1]],
        "last removed": lines[:-2],
        "all removed": [],
    }
    for how, altered in wrong.items():
        path.write_bytes(b"".join(altered))
        found = sm.verify(out)
        assert not found, how
        assert "audit.jsonl" in [each.name for each in found.alterations], how


def test_every_file_that_is_changed_removed_or_added_is_named(exports: Path, out: Path) -> None:
    assert sm.verify(out, exports)
    names = [
        path.relative_to(out).as_posix()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "report" not in path.parts and path.name != "run.log"
    ]
    assert len(names) > 20
    for name in names:
        data = (out / name).read_bytes()
        (out / name).write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
        assert name in [each.name for each in sm.verify(out).alterations]
        (out / name).unlink()
        gone = {each.name: each.what for each in sm.verify(out).alterations}
        assert gone[name] == "missing"
        (out / name).write_bytes(data)
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    (added,) = sm.verify(out).alterations
    assert (added.name, added.what) == ("notes.txt", "added")
    (out / "notes.txt").unlink()
    (exports / "P02/month3_frontal.png").write_bytes(b"another")
    (photograph,) = sm.verify(out, exports).alterations
    assert photograph.name == "P02/month3_frontal.png"


def test_a_record_that_was_rewritten_with_run_json_is_noticed_by_the_history(out: Path) -> None:
    record, run = out / "results/P01_left.json", out / "run.json"
    before = sha256_of(record)
    record.write_bytes(record.read_bytes() + b"\n")
    text = run.read_text(encoding="utf-8").replace(before, sha256_of(record))
    run.write_text(text, encoding="utf-8")
    names = {each.name for each in sm.verify(out).alterations}
    assert names == {"results/P01_left.json", "run.json"}


def test_a_lock_holds_while_the_history_goes_on_and_not_when_it_was_rewritten(
    exports: Path, out: Path
) -> None:
    locked = sm.lock(out)
    assert events(out)[-1] == "locked"
    before = (out / "audit.jsonl").read_bytes()
    study().run(exports, out=out)
    assert (out / "audit.jsonl").read_bytes() == before
    append(out, "linked", lock=1)
    assert sm.check_lock(out) == locked
    lines = before.splitlines(keepends=True)
    (out / "audit.jsonl").write_bytes(b"".join(lines[:2]))
    with pytest.raises(LockError, match=r"audit\.jsonl"):
        sm.check_lock(out)
    (out / "audit.jsonl").unlink()
    with pytest.raises(LockError, match=r"audit\.jsonl"):
        sm.check_lock(out)


def test_an_event_reads_only_the_end_of_the_file(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(300):
        append(out, "linked")
    read, original = [], os.pread

    def pread(handle: int, count: int, offset: int) -> bytes:
        read.append(count)
        return original(handle, count, offset)

    monkeypatch.setattr(os, "pread", pread)
    append(out, "linked")
    assert sum(read) <= 1 << 14 < (out / "audit.jsonl").stat().st_size
    seqs = [event["seq"] for event in read_chain(out).events]
    assert seqs == list(range(1, len(seqs) + 1))


def test_json_of_a_line_can_be_checked_by_hand(out: Path) -> None:
    """As docs/running.md says: the line without its own sha256 has that hash."""
    import hashlib

    for line in (out / "audit.jsonl").read_text(encoding="ascii").splitlines():
        body, _, seal = line.rpartition(',"sha256":')
        assert json.loads(seal[:-1]) == hashlib.sha256(f"{body}}}".encode()).hexdigest()
