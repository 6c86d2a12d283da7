"""Decisions, the index, print, barriers and damaged folders, in a real browser."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from scarmetrics.report import import_reviews, write_report

Opener = Callable[..., Page]
HALF = "halves/P01_left.html"


def pressed(page: Page, selector: str) -> bool:
    return page.get_attribute(selector, "aria-pressed") == "true"


def test_decisions_by_mouse_and_key_are_kept_exported_and_imported(
    copied: Path, open_page: Opener, tmp_path: Path
) -> None:
    page = open_page(copied, HALF, reader="")
    assert not page.is_visible("button[data-decision=accept]")
    page.fill("#reader", "=Dr. Ö")
    page.click("text=Start")
    page.click("button[data-decision=accept]")
    assert pressed(page, "button[data-decision=accept]")
    page.reload()
    assert pressed(page, "button[data-decision=accept]")
    assert page.inner_text("#decided") == "accepted"
    page.goto((copied / "report/halves/P01_right.html").as_uri())
    page.keyboard.press("x")
    page.click("text=Save")
    assert "reason is needed" in page.inner_text("#reason-error")
    page.fill("#reason", 'hair, "not" scars;\n=1+1')
    page.keyboard.press("Enter")
    assert "rejected" in page.inner_text("#decided")
    page.goto((copied / "report/halves/P02_left.html").as_uri())
    page.keyboard.press("q")
    page.fill("#reason", "=HYPERLINK(1)")
    page.keyboard.press("Enter")
    page.goto((copied / "report/halves/P02_right.html").as_uri())
    page.keyboard.press("a")
    page.click("#withdraw")
    page.click("text=All halves")
    assert page.inner_text("#progress-count") == "3"
    page.select_option("[name=decision]", "undecided")
    assert page.inner_text("#table tbody").split()[:2] == ["P02", "right"]
    with page.expect_download() as download:
        page.click("#export")
    assert download.value.suggested_filename == "review.csv"
    saved = tmp_path / "review.csv"
    download.value.save_as(saved)
    with saved.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["decision"] for row in rows] == ["accept", "reject", "query"]
    assert rows[2]["reason"] == "'=HYPERLINK(1)"
    review = import_reviews(copied, [saved])
    assert review.readers == ("=Dr. Ö",)
    assert [one.reason for one in review.decisions] == [
        "", 'hair, "not" scars; =1+1', "=HYPERLINK(1)"
    ]  # fmt: skip
    page.click("#reader-change")
    page.fill("#reader", "B")
    page.press("#reader", "Enter")
    assert page.inner_text("#progress-count") == "0"  # another reader does not see them


def test_a_browser_that_keeps_nothing_says_so(study: Path, open_page: Opener) -> None:
    page = open_page(study, "index.html", reader="")
    refused = "get() { throw new DOMException('no', 'SecurityError') }"
    page.add_init_script(f"Object.defineProperty(window, 'localStorage', {{ {refused} }})")
    page.goto((study / "report" / HALF).as_uri())
    assert page.is_visible("#storage-warning")
    page.fill("#reader", "AB")
    page.press("#reader", "Enter")
    page.click("button[data-decision=accept]")
    assert page.inner_text("#decided") == "accepted"


def test_the_table_is_sorted_and_filtered(study: Path, open_page: Opener) -> None:
    page = open_page(study)
    change = page.locator("#table th", has_text="change")

    def column(index: int) -> list[str]:
        return page.eval_on_selector_all(
            "#table tbody tr:not([hidden])", f"all => all.map(e => e.cells[{index}].innerText)"
        )

    def values() -> list[float]:
        return [float(text.split(" ")[0].replace("−", "-")) for text in column(5)]

    change.locator("button").focus()
    page.keyboard.press("Enter")
    assert values() == sorted(values())
    assert change.get_attribute("aria-sort") == "ascending"
    change.locator("button").click()
    assert values() == sorted(values(), reverse=True)
    page.click("[data-set=flag][data-value=blurred]")
    assert column(1) == ["P01 left"]
    page.click("text=clear")
    page.fill("[name=text]", "p02")
    page.select_option("[name=side]", "right")
    assert column(1) == ["P02 right"]
    assert page.inner_text("#shown-count") == "1 of 4"
    page.select_option("[name=status]", "review")
    assert page.is_visible("#none-shown")
    assert "face not found" in page.inner_text("#failures")


def test_thumbnails_are_loaded(study: Path, open_page: Opener) -> None:
    page = open_page(study)
    page.locator("#table").scroll_into_view_if_needed()
    page.wait_for_function(
        "[...document.querySelectorAll('.thumb img')].every(e => e.naturalWidth > 0)"
    )
    assert page.locator(".thumb img[loading=lazy]").count() == 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", HALF])
def test_no_serious_barrier(study: Path, open_page: Opener, name: str, scheme: str) -> None:
    page = open_page(study, name, color_scheme=scheme)
    if name == HALF:
        page.click("#shortcuts summary")
        page.click("button[data-mode=side]")
        page.click("[data-layer=skin]")
        page.click("button[data-decision=query]")
    found = Axe().run(page, options={"preload": False}).response["violations"]
    assert [
        (one["id"], one["nodes"][0]["html"])
        for one in found
        if one["impact"] in ("serious", "critical")
    ] == []


def test_print_shows_both_pictures_and_no_controls(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.emulate_media(media="print")
    assert not page.is_visible(".tools")
    assert not page.is_visible(".decision")
    boxes = [page.locator(f"#pane-{which} .photo").bounding_box() for which in
             ("baseline", "follow_up")]  # fmt: skip
    for which in ("baseline", "follow_up"):
        shown = page.locator(f"#pane-{which}").evaluate("e => getComputedStyle(e).visibility")
        assert shown == "visible"
    assert boxes[0]["width"] > 300
    assert boxes[1]["width"] == pytest.approx(boxes[0]["width"], abs=1)
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert page.locator(".scrolls section").last.bounding_box()["height"] > 0
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_markup_in_the_tables_stays_text(copied: Path, open_page: Opener) -> None:
    evil = '<img src=x onerror="document.title=1">"\'/../</script>'
    for name in ("changes.csv", "measurements.csv", "scars.csv", "failures.csv"):
        with (copied / name).open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        rows = [[cell.replace("P01", evil) if cell == "P01" else cell for cell in row]
                for row in rows]  # fmt: skip
        rows += [[evil] * len(header)]
        with (copied / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    write_report(copied)
    page = open_page(copied)
    assert page.title() == "Review: made"
    link = page.locator("#table a", has_text="onerror").first
    link.click()
    page.wait_for_url("**/halves/half-*.html")
    assert evil in page.inner_text("h1")
    assert page.locator("img[src=x]").count() == 0
    page.click("button[data-decision=accept]")
    page.click("text=All halves")
    assert page.inner_text("#progress-count") == "1"


def test_a_half_without_pictures_still_has_its_page(copied: Path, open_page: Opener) -> None:
    (copied / "views/P01_left_follow_up.jpg").unlink()
    (copied / "views/P01_right.json").unlink()
    write_report(copied)
    page = open_page(copied, HALF)
    assert "P01_left_follow_up.jpg is missing" in page.inner_text(".scrolls")
    page.keyboard.press("3")
    assert page.is_visible("#pane-follow_up [data-scar='1']")
    page.goto((copied / "report/halves/P01_right.html").as_uri())
    assert page.is_visible(".nothing")
    for key in (" ", "1", "2", "3", "+", "0", "c", "h", ",", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("a")
    assert page.inner_text("#decided") == "accepted"
