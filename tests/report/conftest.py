"""A made run with its pages, and one browser for all tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_run import MadeRun, made_study
from playwright.sync_api import Browser, Page, sync_playwright

from scarmetrics.report import write_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LAPTOP = {"width": 1366, "height": 768}
Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUT of four halves with a failure and pages; not to be written to."""
    made = made_study(tmp_path_factory.mktemp("study") / "results")
    made.failure("P09", "left", "face_not_found", "look at it", "P09/month3.jpg")
    out = made.write()
    write_report(out)
    return out


@pytest.fixture
def copied(study: Path, tmp_path: Path) -> Path:
    """The same, to be damaged."""
    return Path(shutil.copytree(study, tmp_path / "results"))


@pytest.fixture
def made(tmp_path: Path) -> MadeRun:
    """A run without any half yet."""
    return MadeRun(tmp_path / "results")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"needs one of {', '.join(BROWSERS)} on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    """Opens pages of OUT from disk, offline; afterwards no error and no request elsewhere."""
    contexts, problems = [], []

    def opened(out: Path, name: str = "index.html", reader: str = "AB", **settings: object) -> Page:
        context = browser.new_context(**{"viewport": LAPTOP, "offline": True, **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda said: problems.append(said.text) if said.type in
                ("error", "warning") else None)  # fmt: skip
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda asked: problems.append(asked.url) if not asked.url.startswith(
            ("file://", "blob:")) else None)  # fmt: skip
        # what is left unfinished by going to the next page did not fail
        page.on("requestfailed", lambda asked: problems.append(f"not loaded: {asked.url}")
                if asked.failure != "net::ERR_ABORTED" else None)  # fmt: skip
        page.goto((out / "report" / name).as_uri())
        if reader:
            page.fill("#reader", reader)
            page.press("#reader", "Enter")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
