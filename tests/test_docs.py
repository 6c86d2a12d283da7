"""The pages say what is so: links, commands, code blocks and tables."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from scarmetrics.cli.app import app
from scarmetrics.config import StudyConfig
from scarmetrics.errors import ExitCode
from scarmetrics.runner import rows

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TABLES = {
    "measurements.csv": rows.MEASUREMENTS,
    "changes.csv": rows.CHANGES,
    "scars.csv": rows.SCARS,
    "failures.csv": rows.FAILURES,
}

each_page = pytest.mark.parametrize("name", NAMES)


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def blocks(name: str, *languages: str) -> list[str]:
    return [code for language, code in FENCE.findall(text(name)) if language in languages]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    plain = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = [re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(plain)]
    return {title.strip().replace(" ", "-") for title in titles}


def section(name: str, title: str) -> str:
    return re.split(r"^## ", text(name).split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def first_cells(markdown: str) -> list[str]:
    return re.findall(r"^\| `(\w+)` \|", markdown, re.MULTILINE)


@each_page
def test_links_lead_somewhere(name: str) -> None:
    page = REPOSITORY / name
    broken = []
    for target in LINK.findall(FENCE.sub("", text(name))):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.is_file() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, left = set(), [REPOSITORY / "README.md"]
    while left:
        page = left.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = [target.partition("#")[0] for target in LINK.findall(page.read_text("utf-8"))]
        left += [(page.parent / t).resolve() for t in targets if t and not t.startswith("https:")]
    assert sorted(set(PAGES) - reached) == []


@pytest.mark.parametrize("name", [name for name in NAMES if blocks(name, "python")])
def test_the_python_of_a_page_runs(name: str, tmp_path: Path) -> None:
    for folder in ("fixtures", "configs"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(name, "python")), encoding="utf-8")
    # a process of its own: pages register readers and segmenters
    done = subprocess.run(
        [sys.executable, "-W", "error", script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def commands(name: str) -> list[list[str]]:
    """The words of every scarmetrics command of a page, in blocks and in running text."""
    page = FENCE.sub("", text(name))
    inline = re.findall(r"`(scarmetrics [a-z][^`]*)`", page.replace("\n", " "))
    shown = [line.removeprefix("$ ") for code in blocks(name, "console") for line in
             code.splitlines()]  # fmt: skip
    lines = [line for line in [*inline, *shown] if line.startswith("scarmetrics ")]
    return [shlex.split(line)[1:] for line in lines]


@each_page
def test_commands_and_their_options_exist(name: str) -> None:
    cli: Any = typer.main.get_command(app)
    for command, *words in commands(name):
        assert command in cli.commands, f"scarmetrics {command}"
        known = {option for parameter in cli.commands[command].params for option in parameter.opts}
        used = {word for word in words if word.startswith("-")}
        assert used <= known, f"scarmetrics {command}"


@each_page
def test_scripts_and_make_targets_exist(name: str) -> None:
    lines = [line.removeprefix("$ ").split() for code in blocks(name, "console") for line in
             code.splitlines()]  # fmt: skip
    inline = re.findall(r"`((?:make|python) [^`]+)`", text(name).replace("\n", " "))
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    for words in [*lines, *(code.split() for code in inline)]:
        assert words[0] != "make" or words[-1] in targets or "=" in words[-1], words
        for script in (word for word in words if word.endswith(".py")):
            assert (REPOSITORY / script).is_file(), words


@pytest.mark.parametrize("name", ["docs/outputs.md", "docs/method.md"])
def test_tables_from_the_code_are_up_to_date(name: str) -> None:
    made = runpy.run_path(str(REPOSITORY / "docs" / "generate_tables.py"))
    assert text(name) == made["with_tables"](text(name)), "run docs/generate_tables.py"


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_explained_in_its_order(table: str) -> None:
    explained = section("docs/outputs.md", table).split("<!--")[0]
    assert first_cells(explained) == list(TABLES[table])


@pytest.mark.parametrize("name", ["README.md", "docs/outputs.md"])
def test_every_exit_code_is_explained(name: str) -> None:
    codes = re.findall(r"^\| (\d+) \|", text(name), re.MULTILINE)
    assert codes == [str(int(code)) for code in ExitCode]


def test_parameters_named_in_the_pages_exist() -> None:
    sections = StudyConfig().model_dump()
    keys = "|".join(key for key in sections if key != "study_id")
    pattern = re.compile(rf"`({keys})\.(?!json`|lock`|log`)(\w+)`")  # run.json is a file
    named = {match for name in NAMES for match in pattern.findall(text(name))}
    assert named
    assert [f"{part}.{key}" for part, key in named if key not in sections[part]] == []


def test_the_picture_of_the_readme_stays_small() -> None:
    picture = REPOSITORY / "docs" / "images" / "overlay.png"
    assert "docs/images/overlay.png" in text("README.md")
    assert picture.stat().st_size < 250_000
