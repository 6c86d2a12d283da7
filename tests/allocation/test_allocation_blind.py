"""Nothing that measures can reach the allocation."""

from __future__ import annotations

import ast
import csv
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import grimp
import pytest

import scarmetrics as sm

AFTERWARDS = (
    "scarmetrics.allocation",
    "scarmetrics.statistics",
    "scarmetrics.trial_report",
    "scarmetrics.cli",
)
COMMANDS_THAT_MEASURE = ("check", "demo", "init", "run", "train")
# Runs in a process of its own: the package that knows the allocation cannot be imported there, and
# to open a file that is called after it ends the process at once.
POISONED = """
    import os
    import sys

    def poison(event, arguments):
        if event == "open" and "allocation" in os.path.basename(str(arguments[0])).lower():
            os.write(2, f"opened {arguments[0]}".encode())
            os._exit(99)

    sys.modules["scarmetrics.allocation"] = None
    sys.modules["scarmetrics.statistics"] = None
    sys.modules["scarmetrics.trial_report"] = None
    sys.addaudithook(poison)

    if __name__ == "__main__":
        import scarmetrics as sm

        out, config = sys.argv[1:]
        # measured again even where it is locked and finished
        print(int(sm.Study.from_config(config).run("exports", out=out, force=True).exit_code))
"""


def contents(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in ("run.json", "config.yaml", "run.log", "audit.jsonl")
    }


def measure(folder: Path, name: str, settings: str = "") -> dict[str, bytes]:
    script, config = folder / "measure.py", folder / "study.yaml"
    config.write_text(f"segmentation: {{min_diameter_mm: 1.2}}\n{settings}", encoding="utf-8")
    script.write_text(textwrap.dedent(POISONED), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script.name, name, config.name],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "0", "")
    return contents(folder / name)


def test_the_poison_works(tmp_path: Path) -> None:
    (tmp_path / "allocation.csv").write_text("x", encoding="utf-8")
    code = textwrap.dedent(POISONED).replace("__main__", "never")
    for attempt, ending in (("open('allocation.csv')", 99), ("import scarmetrics.allocation", 1)):
        done = subprocess.run([sys.executable, "-c", f"{code}\n{attempt}"], cwd=tmp_path,
                              capture_output=True, check=False)  # fmt: skip
        assert done.returncode == ending


def test_a_poisoned_allocation_changes_no_byte_of_a_measurement(
    repository: Path, tmp_path: Path
) -> None:
    """With an allocation wherever there may be one, or with none: the same, and no look at it."""
    exports = Path(shutil.copytree(repository / "fixtures/images/exports", tmp_path / "exports"))
    blind = measure(tmp_path, "blind")
    assert "masks/P01_left_month3.png" in blind
    # the allocation everywhere that somebody may leave it
    out = Path(shutil.copytree(tmp_path / "blind", tmp_path / "told"))
    lie = "subject_id,procedure,treated_side\nP01,co2_laser,right\n"
    for place in (tmp_path, exports, exports / "P01"):
        (place / "allocation.csv").write_text(lie, encoding="utf-8")
    sm.lock(out)
    sm.write_linked(sm.link(out, tmp_path / "allocation.csv"), out)
    manifest = exports / "manifest.csv"
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = {"treated_side": "right", "treatment": "adsc_cm", "procedure": "co2_laser"}
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *told])
        writer.writeheader()
        writer.writerows([{**row, **told} for row in rows])
    words = "trial: {treatments: {adsc_cm: [left], saline: [right]}}\n"
    again = measure(tmp_path, "told", words)  # into the folder where it is linked
    after = {name for name in again if name.startswith(("linked", "locks"))}
    assert after
    assert {name: data for name, data in again.items() if name not in after} == blind


def test_linking_changes_nothing_outside_its_own_folder(locked: Path, allocation: Path) -> None:
    before = contents(locked)
    run = (locked / "run.json").read_bytes()
    sm.write_linked(sm.link(locked, allocation), locked)
    after = contents(locked)
    assert {name: after[name] for name in after if not name.startswith("linked/")} == before
    assert (locked / "run.json").read_bytes() == run


def test_no_module_that_measures_leads_to_the_allocation() -> None:
    graph = grimp.build_graph("scarmetrics")
    # public names that are loaded on first use, see the next test
    for name in ("allocation", "statistics", "trial_report"):
        graph.remove_import(importer="scarmetrics", imported=f"scarmetrics.{name}")
    knowing = graph.find_downstream_modules("scarmetrics.allocation", as_package=True)
    assert "scarmetrics.cli.link" in knowing
    assert [name for name in sorted(knowing) if not name.startswith(AFTERWARDS)] == []
    assert {f"scarmetrics.cli.{name}" for name in COMMANDS_THAT_MEASURE} <= graph.modules
    assert not {f"scarmetrics.cli.{name}" for name in COMMANDS_THAT_MEASURE} & knowing


def test_no_module_takes_the_allocations_names_from_the_top(repository: Path) -> None:
    names = {name for name, home in sm._HOME.items() if home in ("allocation", "statistics")}
    assert "link" in names
    used = []
    for path in sorted((repository / "scarmetrics").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "scarmetrics":
                used += [(path.name, alias.name) for alias in node.names if alias.name in names]
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in ("scarmetrics", "sm")
                and node.attr in names
            ):
                used.append((path.name, node.attr))
    assert used == []


@pytest.mark.parametrize("word", ["adsc", "saline", "treated"])
def test_the_outputs_of_a_measurement_name_no_treatment(locked: Path, word: str) -> None:
    for name in ("measurements.csv", "changes.csv", "scars.csv", "failures.csv"):
        assert word not in (locked / name).read_text(encoding="utf-8")
    run = json.loads((locked / "run.json").read_text(encoding="utf-8"))
    run["config"].pop("trial")  # what the words are, not who got what
    assert word not in json.dumps(run)
