"""The reviewers' pages of a whole trial: how large they are and how fast they open.

A run of made-up skin with pictures of a real half's size; pages are opened from disk in the
system's Chromium.

Run:  python benchmarks/report_pages.py [--halves N] [--megapixels M]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import REPOSITORY, print_table, write_json
from playwright.sync_api import Page, sync_playwright

from scarmetrics.models import SIDES
from scarmetrics.report import write_report

sys.path.append(str(REPOSITORY / "tests" / "report"))
from made_run import MadeRun

REPEATS = 5
ASPECT = 0.8
SCARS, POINTS = 60, 60
GRAIN = 5.0
DIFFERENT = 6
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OF_A_TRIAL = 60
INDEX_BYTES, INDEX_S, HALF_S = 300_000, 1.0, 0.5
DRAWN = """() => Promise.all([...document.querySelectorAll('.photo')].map(e => e.decode()))
    .then(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))"""


class GrainyRun(MadeRun):
    """With the grain of a camera, so that a JPEG is as large as a photograph's."""

    def _skin(self, rng: np.random.Generator) -> np.ndarray:
        skin = super()._skin(rng)
        grain = rng.normal(0, GRAIN, skin.shape[:2])[..., None]
        return np.clip(skin + grain, 0, 255).astype(np.uint8)


class CopiedRun(MadeRun):
    """Whose pictures are copies of another half's."""

    def __init__(self, other: MadeRun) -> None:
        super().__init__(other.out, size=other.size, scars=SCARS, points=POINTS)
        self.measurements, self.changes = other.measurements, other.changes
        self.scars = other.scars
        self.stems = sorted(path.stem for path in (other.out / "views").glob("*.json"))

    def _skin(self, rng: np.random.Generator) -> np.ndarray:
        return np.zeros((self.size[1], self.size[0], 3), np.uint8)

    def _pictures(self, subject_id: str, side: str, pictures: list[np.ndarray]) -> None:
        source = self.stems[sum(map(ord, subject_id)) % len(self.stems)]
        for folder in ("views", "masks", "rois", "overlays"):
            for path in (self.out / folder).glob(f"{source}*"):
                if path.suffix != ".json":
                    ending = path.name.removeprefix(source)
                    shutil.copyfile(path, path.with_name(f"{subject_id}_{side}{ending}"))


def make_run(out: Path, halves: int, megapixels: float) -> Path:
    """A run whose first halves have pictures of their own and the others copies of them."""
    height = round((1e6 * megapixels / ASPECT) ** 0.5)
    made = GrainyRun(out, size=(round(ASPECT * height), height), scars=SCARS, points=POINTS)
    run: MadeRun = made
    for number in range(halves):
        if number == DIFFERENT:
            run = CopiedRun(made)
        subject, side = f"P{1 + number // 2:03}", SIDES[number % 2]
        flags = "blurred;pose_difference" if number % 4 == 0 else ""
        run.half(subject, side, flags=flags, seed=number, hole=True)
    return made.write()


def seconds_to_open(page: Page, path: Path) -> float:
    """From asking for a page until it is drawn with its pictures."""
    start = time.perf_counter()
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate(DRAWN)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--halves", type=int, default=60)
    parser.add_argument("--megapixels", type=float, default=2.5)
    options = parser.parse_args()
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit(f"this benchmark needs one of {', '.join(BROWSERS)} on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        out = make_run(Path(folder) / "results", options.halves, options.megapixels)
        start = time.perf_counter()
        index = write_report(out)
        written_s = time.perf_counter() - start
        pages = sorted((out / "report" / "halves").iterdir())
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=browser_path, args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            index_s = [seconds_to_open(page, index) for _ in range(REPEATS)]
            half_s = [seconds_to_open(page, path) for path in pages[:REPEATS]]
            page.goto(index.as_uri())
            filter_s = page.evaluate("""() => { const start = performance.now();
                document.querySelector('#table th[data-type=number] button').click();
                const box = document.querySelector('[name=text]'); box.value = '1';
                box.dispatchEvent(new Event('input', { bubbles: true }));
                document.body.offsetHeight; return (performance.now() - start) / 1000; }""")
            browser.close()
        photo = out / "views" / f"{pages[0].stem}_baseline.jpg"
        figures = {
            "halves": options.halves,
            "photo_kb": photo.stat().st_size / 1000,
            "index_bytes": index.stat().st_size,
            "half_page_kb": statistics.median(path.stat().st_size for path in pages) / 1000,
            "static_kb": sum(p.stat().st_size for p in (out / "report/static").iterdir()) / 1000,
            "written_s": written_s,
            "index_opens_s": statistics.median(index_s),
            "half_opens_s": statistics.median(half_s),
            "sort_and_filter_s": filter_s,
        }
    limits: dict[str, float] = {"index_opens_s": INDEX_S, "half_opens_s": HALF_S}
    if options.halves <= OF_A_TRIAL:
        limits["index_bytes"] = INDEX_BYTES
    rows = []
    for name, value in figures.items():
        met = "" if name not in limits else "yes" if value < limits[name] else "NO"
        rows.append((name, f"{value:.4g}", limits.get(name, ""), met))
    print_table(f"Pages of {options.halves} halves", ("figure", "value", "limit", "met"), rows)
    write_json("report_pages", figures)


if __name__ == "__main__":
    main()
