"""The pages in a real browser: every control by mouse and by keyboard."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from scarmetrics.report import import_reviews, write_report

Opener = Callable[..., Page]
HALF = "halves/P01_left.html"


def transforms(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        ".stage", "all => all.map(e => e.style.transform + e.style.width + e.style.height)"
    )


def pressed(page: Page, selector: str) -> bool:
    return page.get_attribute(selector, "aria-pressed") == "true"


def visible_panes(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        ".pane",
        "all => all.filter(e => getComputedStyle(e).visibility === 'visible')"
        ".map(e => e.dataset.visit)",
    )


def percent(page: Page) -> int:
    return int(page.inner_text("#zoom-level").split()[0])


def test_pictures_are_loaded_and_fit_the_screen_of_a_laptop(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.wait_for_function("[...document.querySelectorAll('.photo')].every(e => e.complete)")
    widths = page.eval_on_selector_all(".photo", "all => all.map(e => e.naturalWidth)")
    assert widths == [360, 360]
    viewer = page.locator("#viewer").bounding_box()
    assert viewer["y"] + viewer["height"] <= 768
    assert viewer["width"] * viewer["height"] > 0.5 * 1366 * 768
    sizes = page.evaluate("[document.documentElement.scrollHeight, "
                          "document.documentElement.scrollWidth]")  # fmt: skip
    assert sizes == [768, 1366]
    panel = page.evaluate("(e => [e.scrollWidth, e.clientWidth])"
                          "(document.querySelector('.scrolls'))")  # fmt: skip
    assert panel[0] == panel[1]


def test_space_flickers_in_the_same_frame(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    boxes = page.eval_on_selector_all(
        ".photo", "all => all.map(e => JSON.stringify(e.getBoundingClientRect()))"
    )
    assert boxes[0] == boxes[1]
    page.focus("#viewer")
    assert visible_panes(page) == ["baseline"]
    page.keyboard.press(" ")
    assert visible_panes(page) == ["follow_up"]
    assert page.inner_text("#shown-visit") == "month3"
    page.click("#toggle-visit")
    assert visible_panes(page) == ["baseline"]
    page.keyboard.press(" ")  # after the mouse the keys belong to the pictures again
    assert visible_panes(page) == ["follow_up"]


def test_auto_flicker_starts_only_when_asked(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.clock.install()
    page.reload()
    page.clock.run_for(3100)
    assert visible_panes(page) == ["baseline"]
    page.click("#auto")
    page.clock.run_for(1100)
    assert visible_panes(page) == ["follow_up"]
    page.click("#auto")
    page.clock.run_for(3100)
    assert visible_panes(page) == ["follow_up"]
    calm = open_page(study, HALF, reduced_motion="reduce")
    assert calm.is_disabled("#auto")


def test_swipe_by_slider_key_and_divider(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.keyboard.press("Tab")
    page.click("button[data-mode=swipe]")
    assert visible_panes(page) == ["baseline", "follow_up"]

    def clip() -> str:
        return page.eval_on_selector("#pane-follow_up", "e => e.style.clipPath")

    assert "50%" in clip()
    page.keyboard.press(".")
    assert "55%" in clip()
    page.keyboard.press(",")
    page.focus("#swipe")
    page.keyboard.press("ArrowRight")  # the slider's own key, not the next half
    assert "51%" in clip()
    divider = page.locator("#divider").bounding_box()
    x, y = divider["x"] + divider["width"] / 2, divider["y"] + divider["height"] / 2
    before = transforms(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 200, y)
    page.mouse.up()
    assert page.input_value("#swipe") < "50"
    assert transforms(page) == before


def test_side_by_side_zooms_and_moves_together(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.focus("#viewer")
    page.keyboard.press("3")
    assert pressed(page, "button[data-mode=side]")
    panes = [page.locator(name).bounding_box() for name in ("#pane-baseline", "#pane-follow_up")]
    assert panes[0]["width"] == panes[1]["width"]
    assert panes[0]["x"] + panes[0]["width"] < panes[1]["x"]
    fit = percent(page)
    seen = {tuple(transforms(page))}
    middle = panes[1]["x"] + panes[1]["width"] / 2, panes[1]["y"] + panes[1]["height"] / 2
    actions = [
        lambda: page.keyboard.press("+"),
        lambda: page.keyboard.press("-"),
        lambda: page.click("[data-zoom=in]"),
        lambda: page.click("[data-zoom=in]"),
        lambda: page.keyboard.press("Shift+ArrowRight"),
        lambda: page.keyboard.press("Shift+ArrowUp"),
        lambda: (page.mouse.move(*middle), page.mouse.wheel(0, -300)),
        lambda: (page.mouse.down(), page.mouse.move(middle[0] + 60, middle[1] + 40),
                 page.mouse.up()),
        lambda: page.click("[data-zoom=out]"),
        lambda: page.mouse.dblclick(*middle),
    ]  # fmt: skip
    last = transforms(page)
    for action in actions:
        action()
        page.wait_for_function("before => document.querySelector('.stage').style.transform + "
                               "document.querySelector('.stage').style.width + "
                               "document.querySelector('.stage').style.height !== before",
                               arg=last[0])  # fmt: skip
        last = transforms(page)
        assert last[0] == last[1]
        seen.add(tuple(last))
    assert len(seen) > len(actions) / 2
    page.keyboard.press("9")
    assert percent(page) == max(100, fit)
    page.keyboard.press("0")
    assert percent(page) == fit
    page.click("[data-zoom=native]")
    page.click("[data-zoom=fit]")
    assert percent(page) == fit


def test_the_wheel_keeps_the_skin_under_the_pointer(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    box = page.locator("#viewer").bounding_box()
    x, y = box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"]

    def at_pointer() -> list[float]:
        stage = page.locator(".stage").first.bounding_box()
        return [(x - stage["x"]) / stage["width"], (y - stage["y"]) / stage["height"]]

    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    page.wait_for_function("parseInt(document.querySelector('#zoom-level').textContent) > 250")
    first = at_pointer()
    before = percent(page)
    page.mouse.wheel(0, -400)
    page.wait_for_function(
        f"parseInt(document.querySelector('#zoom-level').textContent) > {before}"
    )
    assert at_pointer() == pytest.approx(first, abs=2e-3)


def test_the_scale_bar_follows_the_zoom(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.focus("#viewer")
    for _ in range(3):
        bar = page.locator("#pane-baseline .bar").bounding_box()["width"]
        mm = float(page.inner_text("#pane-baseline .length").split()[0])
        scale = page.locator(".stage").first.bounding_box()["width"] / 360
        assert bar == pytest.approx(mm / 0.1 * scale, rel=0.01)
        page.keyboard.press("+")
    assert page.inner_text("#pane-baseline .at-left") == "R"


def test_layers_by_mouse_and_key(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.focus("#viewer")
    parts = {"contours": ".contours path[data-scar]", "skin": ".skin .region",
             "residual": "img.residual"}  # fmt: skip
    for (layer, selector), key in zip(parts.items(), "crh", strict=True):
        part = page.locator(f"#pane-baseline {selector}").first
        on = part.is_visible()
        assert on == (layer == "contours")
        page.keyboard.press(key)
        expect(part).to_be_visible(visible=not on)
        assert pressed(page, f"[data-layer={layer}]") != on
        page.click(f"[data-layer={layer}]")
        expect(part).to_be_visible(visible=on)
    page.keyboard.press("h")
    assert "0.5 mm" in page.inner_text(".residual-key")
    page.wait_for_function("document.querySelector('img.residual').naturalWidth > 0")
    page.keyboard.press("r")
    assert "deep shadow" in page.inner_text(".skin-key")


def test_contours_keep_their_width_and_lie_on_the_scars(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    path = page.locator("#pane-baseline [data-scar='1']")
    assert path.evaluate("e => getComputedStyle(e).vectorEffect") == "non-scaling-stroke"
    stage = page.locator(".stage").first.bounding_box()
    first = float(path.get_attribute("d")[1:].split(" ")[0])
    box = path.evaluate("e => { const b = e.getBBox(); return [b.x + b.width, b.y] }")
    assert first == pytest.approx(box[0], abs=0.1)
    screen = path.evaluate("e => e.getScreenCTM().a * (e.getBBox().x) + e.getScreenCTM().e")
    left = path.evaluate("e => e.getBBox().x")
    # pixel centres are at integers, so the picture begins at -0.5
    assert screen == pytest.approx(stage["x"] + (left + 0.5) * stage["width"] / 360, abs=0.5)
    label = path.get_attribute("aria-label")
    assert label == "scar 1, persisted, baseline"


def test_rows_and_contours_point_at_each_other(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    fit = percent(page)
    row = page.locator("#scars tr[data-baseline='2']")
    row.locator("button").focus()
    page.keyboard.press("Enter")
    assert percent(page) > fit
    selected = page.eval_on_selector_all("path.selected", "all => all.map(e => e.dataset.scar)")
    assert selected == ["2", "2"]
    box = page.locator("#pane-baseline path.selected").bounding_box()
    viewer = page.locator("#viewer").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    expected = viewer["x"] + viewer["width"] / 2, viewer["y"] + viewer["height"] / 2
    assert math.dist(middle, expected) < 60
    page.keyboard.press("0")
    other = page.locator("#pane-baseline [data-scar='1']")
    other.click()
    assert "selected" in page.locator("#scars tr[data-baseline='1']").get_attribute("class")
    assert page.evaluate("document.activeElement.closest('tr').dataset.baseline") == "1"


def test_going_from_half_to_half(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/P01_right.html")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/P01_left.html")
    page.click("text=next ›")
    page.wait_for_url("**/P01_right.html")
    page.keyboard.press("a")
    page.click("text=All halves")
    page.wait_for_url("**/index.html")
    page.click("#table >> text=P02 right")
    page.wait_for_url("**/P02_right.html")
    page.keyboard.press("n")
    page.wait_for_url("**/P01_left.html")
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.wait_for_url("**/P02_left.html")


def test_single_keys_can_be_switched_off(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    page.click("#shortcuts summary")
    page.uncheck("#use-keys")
    page.reload()
    page.keyboard.press("3")
    assert pressed(page, "button[data-mode=flicker]")


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
    assert visible_panes(page) == ["baseline", "follow_up"]
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
