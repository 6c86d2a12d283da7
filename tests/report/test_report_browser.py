"""The pages in a real browser: every control by mouse and by keyboard."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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


def test_a_pressed_button_can_be_read_under_the_pointer(study: Path, open_page: Opener) -> None:
    page = open_page(study, HALF)
    button = page.get_by_role("button", name="Contours", exact=True)
    button.hover()
    colours = button.evaluate(
        "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    )
    away = page.get_by_role("button", name="Flicker", exact=True).evaluate(
        "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    )
    assert button.get_attribute("aria-pressed") == "true"
    assert colours == away
