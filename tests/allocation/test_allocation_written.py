"""What link writes: whole or not at all, kept, read back only unaltered."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from made_trial import Made, write_allocation

from scarmetrics.allocation import LinkedStudy, LockError, link, lock, read_linked, write_linked
from scarmetrics.allocation.writing import TABLES
from scarmetrics.errors import UsageError

ANSWERS = "subject_id,kind,side,event,session,month,score,answered_on"


def test_what_is_written_reads_back_equal(locked: Path, allocation: Path, tmp_path: Path) -> None:
    answers = write_allocation(
        tmp_path / "answers.csv", "P01,side_effect,left,pain,1,,1,", header=ANSWERS
    )
    study = link(locked, allocation, answers)
    written = write_linked(study, locked)
    assert written.is_new
    names = {path.name for path in (locked / "linked").iterdir()}
    assert names == {"halves.csv", "adscar.csv", "adscar_dictionary.csv", "questionnaires.csv",
                     "flow.csv", "randomisation.csv", "link.json"}  # fmt: skip
    back = read_linked(locked)
    for name in ("halves", "adscar", "dictionary", "questionnaires", "flow"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(study, name))
    assert list(back.randomisation["p_value"]) == list(study.randomisation["p_value"])
    assert back.lock == study.lock
    content = json.loads((locked / "linked/link.json").read_text(encoding="utf-8"))
    assert content["lock"]["digest"] == study.lock.digest
    assert set(content["sources"]) == {"allocation", "questionnaires"}
    for path in (locked / "linked").iterdir():
        assert str(locked.parent) not in path.read_text(encoding="utf-8")


def test_without_questionnaires_there_is_no_table_of_them(locked: Path, allocation: Path) -> None:
    write_linked(link(locked, allocation), locked)
    assert not (locked / "linked/questionnaires.csv").exists()
    assert read_linked(locked).questionnaires.empty


def test_linking_once_more_changes_nothing_and_another_list_keeps_the_old(
    locked: Path, allocation: Path, tmp_path: Path
) -> None:
    write_linked(link(locked, allocation), locked)
    first = {path.name: path.read_bytes() for path in (locked / "linked").iterdir()}
    (locked / "linked/analysis.json").write_text("{}", encoding="utf-8")
    again = write_linked(link(locked, allocation), locked)
    assert (again.is_new, again.kept) == (False, "")
    assert (locked / "linked/analysis.json").exists()
    other = write_allocation(tmp_path / "other.csv", "P01,mn,right", "P02,mn,left")
    written = write_linked(link(locked, other), locked)
    assert (written.is_new, written.kept) == (True, "linked-1")
    kept = {path.name: path.read_bytes() for path in (locked / "linked-1").iterdir()}
    assert kept.pop("analysis.json") == b"{}"
    assert kept == first
    assert not (locked / "linked/analysis.json").exists()
    assert not list(locked.glob(".linked*"))
    assert link(locked, allocation).lock.number == 1  # none of this is a change of the measurement


def test_the_same_files_give_the_same_bytes(tmp_path: Path, allocation: Path) -> None:
    contents = []
    for name in ("a", "b"):
        out = Made(tmp_path / name).write()
        lock(out)
        write_linked(link(out, allocation), out)
        contents.append({p.name: p.read_bytes() for p in (out / "linked").glob("*.csv")})
    assert contents[0] == contents[1]


def test_a_write_that_fails_leaves_what_was_there(
    locked: Path, allocation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = link(locked, allocation)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space"):
        write_linked(study, locked)
    assert not (locked / "linked").exists()
    assert not list(locked.glob(".linked*"))


def test_a_folder_of_somebody_else_is_not_replaced(locked: Path, allocation: Path) -> None:
    (locked / "linked").mkdir()
    (locked / "linked/mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="not written by scarmetrics link"):
        write_linked(link(locked, allocation), locked)
    assert (locked / "linked/mine.txt").read_text(encoding="utf-8") == "mine"


def test_altered_or_outdated_tables_are_not_read_back(made: Made, allocation: Path) -> None:
    out = made.write()
    lock(out)
    with pytest.raises(UsageError, match="not linked"):
        read_linked(out)
    write_linked(link(out, allocation), out)
    table = out / "linked/halves.csv"
    original = table.read_bytes()
    table.write_bytes(original.replace(b"adsc_cm", b"saline", 1))
    with pytest.raises(LockError, match=r"linked/halves\.csv"):
        read_linked(out)
    table.write_bytes(original)
    assert isinstance(read_linked(out), LinkedStudy)
    made.write()
    with pytest.raises(LockError, match="measured again"):
        read_linked(out)
    lock(out)
    with pytest.raises(LockError, match="belongs to lock 1"):
        read_linked(out)


def test_a_rename_that_fails_brings_the_old_tables_back(
    locked: Path, allocation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_linked(link(locked, allocation), locked)
    first = {path.name: path.read_bytes() for path in (locked / "linked").iterdir()}
    other = write_allocation(tmp_path / "other.csv", "P01,mn,right", "P02,mn,left")
    study = link(locked, other)
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name.startswith(".linked-"):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError):
        write_linked(study, locked)
    assert {path.name: path.read_bytes() for path in (locked / "linked").iterdir()} == first
    assert not list(locked.glob("*linked-*"))


def test_every_column_is_explained(repository: Path) -> None:
    page = (repository / "docs/linking.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in page.split("\n### ")[1:]}
    for name in ("halves", "questionnaires", "flow", "randomisation"):
        file, columns = TABLES[name]
        shown = sections[file]
        assert [column for column in columns if f"`{column}`" not in shown] == []
    assert all(f"`{file}`" in page for file, _ in TABLES.values())
