"""What is written, without a browser."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from made_run import MadeRun, made_study

from scarmetrics.allocation import check_lock, lock
from scarmetrics.errors import UsageError
from scarmetrics.report import HalfKey, half_result_hash, read_folder, run_hash, write_report
from scarmetrics.report.charts import axis_for, histogram
from scarmetrics.report.folder import page_names
from scarmetrics.report.hashes import half_hashes
from scarmetrics.report.words import shown, with_sd


class Elements(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def pages(out: Path) -> list[Path]:
    return [out / "report/index.html", *sorted((out / "report/halves").iterdir())]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rewrite(path: Path, change: Callable[[list[dict[str, str]]], None]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, header = list(reader), list(reader.fieldnames or ())
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_links_and_pictures_are_there_and_nothing_comes_from_elsewhere(study: Path) -> None:
    for page in pages(study):
        for tag, attributes in Elements(page).found:
            for name in ("src", "href", "data-src"):
                target = attributes.get(name)
                if target is None or target.startswith("#"):
                    continue
                parts = urlsplit(target)
                assert not parts.scheme, target
                assert not parts.netloc, target
                assert (page.parent / unquote(parts.path)).is_file(), (page.name, tag, target)


def test_no_page_holds_a_script_or_a_style_of_its_own(study: Path) -> None:
    for page in pages(study):
        for tag, attributes in Elements(page).found:
            assert tag != "style"
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            if tag == "script":
                assert attributes.get("type") == "application/json" or "src" in attributes
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page.read_text("utf-8"))
        assert policy
        assert "default-src &#39;none&#39;" in policy[1] or "default-src 'none'" in policy[1]
        assert "unsafe" not in policy[1]


def test_pages_are_the_same_bytes_again_and_name_no_place(copied: Path) -> None:
    before = contents(copied / "report")
    write_report(copied)
    assert contents(copied / "report") == before
    for name, data in before.items():
        assert str(copied.parent).encode() not in data, name


def test_pages_of_halves_that_are_gone_are_removed(copied: Path) -> None:
    (copied / "report/halves/P77_left.html").write_text("old", encoding="utf-8")
    write_report(copied)
    assert [page.name for page in pages(copied)[1:]] == [
        "P01_left.html", "P01_right.html", "P02_left.html", "P02_right.html"
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["treatment", "treated_side", "procedure"])
def test_what_is_not_of_the_measurement_is_not_shown(copied: Path, column: str) -> None:
    path = copied / "changes.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{lines[0]},{column}", *(f"{line},adsc_unblinded" for line in lines[1:])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_report(copied)
    assert [p.name for p in pages(copied) if "adsc_unblinded" in p.read_text("utf-8")] == []


def test_what_is_missing_is_said_on_the_page(copied: Path) -> None:
    for name in ("masks/P01_left_month3.png", "views/P01_left_residual.png",
                 "views/P01_right_thumb.jpg"):  # fmt: skip
        (copied / name).unlink()
    (copied / "views/P02_left.json").write_text('{"subject_id": "P02"}', encoding="utf-8")
    rewrite(copied / "measurements.csv", lambda rows: rows.remove(
        next(r for r in rows if (r["subject_id"], r["side"], r["visit"])
             == ("P02", "right", "month3"))))  # fmt: skip
    rewrite(copied / "changes.csv", lambda rows: rows.pop())
    write_report(copied)
    text = {page.stem: page.read_text(encoding="utf-8") for page in pages(copied)}
    assert "masks/P01_left_month3.png is missing" in text["P01_left"]
    assert "views/P01_left_residual.png is missing" in text["P01_left"]
    assert "views/P02_left.json (it cannot be used" in text["P02_left"]
    assert "views/P02_left.json: cannot be used" in text["index"]
    assert "no measurement of month3" in text["P02_right"]
    assert "no row in changes.csv" in text["P02_right"]
    assert "no status" in text["index"]


def test_no_half_at_all_has_a_page(made: MadeRun) -> None:
    made.failure("P01", "left", "face_not_found", "look at it")
    text = write_report(made.write()).read_text(encoding="utf-8")
    assert "No half was measured." in text
    assert "look at it" in text
    assert not (made.out / "report/halves").exists()


@pytest.mark.parametrize(
    ("state", "words"),
    [("interrupted", "was interrupted"), ("running", "not come to its end"), ("odd", "state is")],
)
def test_a_run_that_did_not_end_says_so(made: MadeRun, state: str, words: str) -> None:
    made.half("P01", "left")
    made.state = state
    out = made.write()
    write_report(out)
    for page in pages(out):
        assert words in page.read_text(encoding="utf-8")


def test_a_run_that_was_cut_off_has_pages_from_its_views(made: MadeRun) -> None:
    made.half("P01", "left")
    made.write()
    for name in ("changes", "measurements", "scars", "failures"):
        (made.out / f"{name}.csv").unlink()
    (made.out / "run.json").write_text('{"tool": "scarmetrics", "state": "running"}')
    write_report(made.out)
    text = (made.out / "report/halves/P01_left.html").read_text(encoding="utf-8")
    assert "views/P01_left_baseline.jpg" in text
    assert "no rows in measurements.csv" in text


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    for content in (None, "{", "[]", '{"tool": "other"}'):
        if content is not None:
            (tmp_path / "run.json").write_text(content, encoding="utf-8")
        with pytest.raises(UsageError, match=r"run\.json") as refused:
            write_report(tmp_path)
        assert refused.value.remedy
        assert not (tmp_path / "report").exists()
    with pytest.raises(UsageError, match="there is no folder"):
        write_report(tmp_path / "absent")


def test_a_picture_outside_the_folder_is_not_linked(copied: Path) -> None:
    (copied.parent / "secret.jpg").write_bytes(b"x")
    for number, name in enumerate(("../secret.jpg", "/etc/hostname", "javascript:alert(1)")):
        path = copied / f"views/P0{1 + number // 2}_{('left', 'right')[number % 2]}.json"
        view = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(view | {"baseline_picture": name}), encoding="utf-8")
    write_report(copied)
    sources = {
        attributes.get("src", "") for page in pages(copied) for _, attributes in
        Elements(page).found
    }  # fmt: skip
    assert not [source for source in sources if "secret" in source or "etc" in source]
    assert not [source for source in sources if source.startswith("javascript")]


def test_page_names_are_safe_and_differ() -> None:
    halves = [
        HalfKey(*half)
        for half in (("P01", "left"), ("p01", "left"), ("../x", "left"), ("سارا", "left"),
                     ("", ""), ("a/b", "right"), ("P01", "up"), ("P1_left", "left"))
    ]  # fmt: skip
    names = page_names(halves)
    assert names[halves[0]] == "P01_left.html"
    assert len({name.casefold() for name in names.values()}) == len(halves)
    assert all(re.fullmatch(r"\w[\w.-]*\.html", name) for name in names.values())


def test_the_index_of_a_trial_is_small(tmp_path: Path) -> None:
    made = made_study(tmp_path / "out", 30, size=(40, 40), scars=3, points=4)
    for row in made.changes:
        row["qc_flags"] = "beard_suspected;blurred;high_residual;low_registered_fraction"
    index = write_report(made.write())
    assert index.read_text(encoding="utf-8").count('loading="lazy"') == 60
    assert index.stat().st_size < 300_000


@pytest.mark.parametrize(
    ("table", "column"), [("measurements", "blur_mm"), ("changes", "qc_flags"), ("scars", "fate")]
)
def test_any_cell_of_a_half_changes_its_hash_and_no_other(
    copied: Path, table: str, column: str
) -> None:
    before = half_hashes(read_folder(copied))
    rewrite(copied / f"{table}.csv", lambda rows: rows[0].update({column: "x"}))
    after = half_hashes(read_folder(copied))
    changed = [key for key in before if before[key] != after[key]]
    assert changed == [HalfKey("P01", "left")]
    assert run_hash(before) != run_hash(after)


def test_masks_belong_to_the_hash_and_pages_do_not(copied: Path) -> None:
    key = HalfKey("P01", "left")
    before = half_result_hash(read_folder(copied), key)
    (copied / "views/P01_left.json").unlink()
    write_report(copied)
    assert half_result_hash(read_folder(copied), key) == before
    run = json.loads((copied / "run.json").read_text(encoding="utf-8"))
    run["outputs"]["masks/P01_left_baseline.png"] = "0" * 64
    (copied / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert half_result_hash(read_folder(copied), key) != before


def test_pages_and_reviews_do_not_break_a_lock(copied: Path) -> None:
    lock(copied)
    (copied / "report/index.html").write_text("other", encoding="utf-8")
    (copied / "report/halves/P01_left.html").unlink()
    (copied / "review").mkdir()
    (copied / "review/decisions.csv").write_text("x", encoding="utf-8")
    assert check_lock(copied).number == 1


def test_without_a_scale_shares_are_shown(made: MadeRun) -> None:
    made.half("P01", "left", scale=False)
    index = write_report(made.write()).read_text(encoding="utf-8")
    page = (made.out / "report/halves/P01_left.html").read_text(encoding="utf-8")
    assert "Change, % points" in index
    assert "no scale" in page
    assert "nan" not in (index + page).lower().replace("finance", "")


def test_numbers_are_shown_as_precisely_as_they_are_known() -> None:
    assert with_sd(-54.659, 18.77, signed=True) == "−55 ± 19"
    assert with_sd(5.3426, 0.699) == "5.34 ± 0.70"
    assert with_sd(None, 1.0) == "–"
    assert shown(-0.001, 1, signed=True) == "0.0"


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [-3.2, 0.1, 900.0], [1e-9, 2e-9], [-7.0]])
def test_every_value_falls_into_a_bin(values: list[float]) -> None:
    axis = axis_for(values, zero=True)
    assert axis.low <= min(values) <= max(values) <= axis.low + axis.bins * axis.step
    assert axis.bins <= 40
    counts = [int(n) for n in re.findall(r": (\d+)</title>", histogram(values, axis, "A", "mm"))]
    assert sum(counts) == len(values)
