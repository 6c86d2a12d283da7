from __future__ import annotations

import hashlib
import re
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = ("scarmetrics", "configs", "docs", "tests", "benchmarks", "pipelines", "fixtures")
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".csv", ".json", ".html", ".j2", ".css", ".js"}
ROOT_FILES = ("Makefile", "pyproject.toml", "requirements.lock", ".ci/run")
MODEL = REPOSITORY / "scarmetrics" / "face" / "data" / "face_landmarker.task"
MAX_LINES = 400

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|tmp|home|Users)/|\b[A-Z]:\\Users\\")
INDEX_ADDRESS = re.compile(r"pypi\.org|pythonhosted\.org|--(?:extra-)?index-url|--find[-]links")


def text_files() -> list[Path]:
    inside = chain.from_iterable((REPOSITORY / folder).rglob("*") for folder in FOLDERS)
    made = REPOSITORY / "benchmarks" / "results"
    return [
        *(path for path in inside if path.suffix in TEXT and made not in path.parents),
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / name for name in ROOT_FILES),
    ]


@cache
def project() -> dict[str, object]:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def locked() -> dict[str, str]:
    """Version of each package in the lock."""
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, INDEX_ADDRESS], ids=["machine path", "package index address"]
)
def test_no_file_holds_what_belongs_to_one_machine(pattern: re.Pattern[str]) -> None:
    files = text_files()
    assert files
    hits = [
        f"{path.relative_to(REPOSITORY)}, line {number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert hits == []


@pytest.mark.parametrize("text", ["see /" + "home/x/a.py", "'/" + "tmp/out'", "C:" + r"\Users\x"])
def test_machine_paths_are_recognised(text: str) -> None:
    assert MACHINE_PATH.search(text)


def test_modules_stay_short() -> None:
    lines = {
        str(path.relative_to(REPOSITORY)): len(path.read_text(encoding="utf-8").splitlines())
        for path in text_files()
        if path.suffix == ".py"
    }
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def test_every_locked_package_is_pinned_with_hashes() -> None:
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    entries = re.sub(r"\\\n", " ", text).splitlines()
    entries = [entry for entry in entries if entry.strip() and not entry.lstrip().startswith("#")]
    assert entries
    assert [
        entry
        for entry in entries
        if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}\b", entry)
    ] == []


def test_the_lock_holds_what_the_project_asks_for() -> None:
    extras = project()["optional-dependencies"]
    asked = [Requirement(line) for line in [*project()["dependencies"], *extras["dev"]]]
    versions = locked()
    assert [
        str(requirement)
        for requirement in asked
        if not requirement.specifier.contains(
            versions.get(canonicalize_name(requirement.name), "0")
        )
    ] == []


def test_every_dependency_has_its_licence_named() -> None:
    notices = (REPOSITORY / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8").casefold()
    names = [Requirement(line).name for line in project()["dependencies"]]
    assert [name for name in names if f"| {name.casefold()} |" not in notices] == []


def test_the_landmark_model_is_the_one_in_the_notices() -> None:
    sha256 = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert sha256 in (REPOSITORY / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")


def test_the_changelog_describes_this_version() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{project()['version']}]" in changelog
