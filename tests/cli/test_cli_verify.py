"""verify and --json-lines: what other programs read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scarmetrics.cli import main

PROGRAM = "import sys; from scarmetrics.cli import main; sys.argv[0] = 'scarmetrics'; main()"
SETTINGS = "segmentation: {method: classical}\noverlay: {max_side_px: 200}\n"


@pytest.fixture(scope="module")
def measured(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """OUT of a run with --json-lines, and what it printed."""
    folder = tmp_path_factory.mktemp("verify")
    settings = folder / "quick.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    exports = repository / "fixtures/images/exports"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, "run", str(exports), "--out",
         str(folder / "out"), "--config", str(settings), "--json-lines"],
        check=True, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    return folder / "out", done.stdout.splitlines()


def verified(
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *options: str,
) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["scarmetrics", "verify", str(out), *options])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


def test_json_lines_are_all_that_is_printed(measured: tuple[Path, list[str]]) -> None:
    events = [json.loads(line) for line in measured[1]]
    assert [event["event"] for event in events] == ["started", "half", "half", "ended"]
    assert events[0]["total"] == 2
    assert {event["side"] for event in events[1:3]} == {"left", "right"}
    assert events[-1]["exit_code"] == 0
    assert events[-1]["halves_measured"] == 2


def test_nobody_who_listens_does_not_end_a_run(repository: Path, tmp_path: Path) -> None:
    settings = tmp_path / "quick.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "run", str(repository / "fixtures/images/exports"),
         "--out", str(tmp_path / "out"), "--config", str(settings), "--json-lines"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.close()
    said = run.stderr.read().decode()
    run.stderr.close()
    run.wait(timeout=120)
    assert "Traceback" not in said
    state = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))
    assert state["state"] == "finished"
    assert state["counts"]["halves_measured"] == 2


def test_what_is_as_it_was_is_said_to_be(
    measured: tuple[Path, list[str]],
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exports = str(repository / "fixtures/images/exports")
    code, said = verified(measured[0], monkeypatch, capsys, "--exports", exports)
    assert code == 0
    assert "nothing was altered" in said
    assert "head" in said
    code, said = verified(measured[0], monkeypatch, capsys, "--json")
    assert code == 0
    assert json.loads(said)["alterations"] == []


@pytest.mark.parametrize(
    "name", ["changes.csv", "masks/P01_left_month3.png", "results/P01_left.json", "audit.jsonl"]
)
def test_every_altered_file_is_named(
    name: str,
    measured: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = measured[0] / name
    before = path.read_bytes()
    middle = len(before) // 2
    path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
    try:
        code, said = verified(measured[0], monkeypatch, capsys)
        assert code == 2
        assert name in said
        assert "remedy" in said
        path.unlink()
        code, said = verified(measured[0], monkeypatch, capsys)
        assert code == 2
        assert name in said
    finally:
        path.write_bytes(before)
    assert verified(measured[0], monkeypatch, capsys)[0] == 0


def test_a_folder_of_no_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = verified(tmp_path, monkeypatch, capsys)
    assert code == 2
    assert said.startswith("error:")


def test_a_history_without_its_end_is_noticed(
    measured: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = measured[0] / "audit.jsonl"
    before = path.read_bytes()
    path.write_bytes(b"".join(before.splitlines(keepends=True)[:-1]))
    try:
        code, said = verified(measured[0], monkeypatch, capsys)
    finally:
        path.write_bytes(before)
    assert code == 2
    assert "does not tell that the run was finished" in said


def test_a_run_goes_on_without_run_json(
    measured: tuple[Path, list[str]], repository: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(measured[0], out)
    (out / "run.json").unlink()
    settings = tmp_path / "quick.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "run", str(repository / "fixtures/images/exports"),
         "--out", str(out), "--config", str(settings), "--json-lines"],
        check=True, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    ended = json.loads(done.stdout.splitlines()[-1])
    assert (ended["halves_measured"], ended["halves_resumed"]) == (2, 2)
    assert (out / "changes.csv").read_bytes() == (measured[0] / "changes.csv").read_bytes()
