from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scarmetrics.config import OverlayConfig
from scarmetrics.face.measurable import CAUSES
from scarmetrics.opencv import cv2
from scarmetrics.overlay import Captions, Scene, render_overlays, render_view, view_names
from scarmetrics.overlay import views as views_module
from scarmetrics.viewfile import HalfView

CAPTIONS = Captions("P01", "baseline", "month3", dt.date(2024, 1, 5), None, "1.2.3")
CONFIG = OverlayConfig()
PATCHES = (
    ("hair", 0, (25, 45, 60, 55)),
    ("shadow", 0, (60, 190, 80, 205)),
    ("highlight", 1, (30, 50, 50, 60)),
)


def decoded(content: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)


def filled(rings, shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centre lies inside an odd number of rings."""
    inside = np.zeros(shape, bool)
    grid = [(x, y) for y in range(shape[0]) for x in range(shape[1])]
    for ring in rings:
        polygon = np.array(ring, np.float32)
        hits = [cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in grid]
        inside ^= np.array(hits).reshape(shape)
    return inside


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def cropped(mask: np.ndarray, view: HalfView) -> np.ndarray:
    x0, y0, x1, y1 = view.box
    return mask[y0:y1, x0:x1]


def test_a_view_has_five_files_and_its_json_names_the_others(make_half) -> None:
    view = render_view(*make_half(left_out=PATCHES), CAPTIONS, CONFIG)
    names = view_names("P01", "right")
    assert set(view.files) == set(names.values())
    read = HalfView.model_validate_json(view.files[names["data"]])
    assert read == view.half
    for key in ("baseline", "follow_up", "residual"):
        assert getattr(read, f"{key}_picture") == names[key]
    assert read.thumbnail == names["thumbnail"]
    assert (read.baseline_date, read.follow_up_date) == (dt.date(2024, 1, 5), None)


def test_the_same_half_gives_the_same_bytes(make_half) -> None:
    first, second = (
        render_view(*make_half(left_out=PATCHES), CAPTIONS, CONFIG).files for _ in range(2)
    )
    assert first == second
    assert len({hashlib.sha256(content).hexdigest() for content in first.values()}) == 5


def test_a_view_and_the_overlays_can_share_their_scene(make_half) -> None:
    pair, result = make_half(left_out=PATCHES)
    scene = Scene(pair, result)
    shared = render_overlays(pair, result, CAPTIONS, CONFIG, scene)
    assert np.array_equal(shared.pair, render_overlays(pair, result, CAPTIONS, CONFIG).pair)
    assert render_view(pair, result, CAPTIONS, CONFIG, scene).files == (
        render_view(pair, result, CAPTIONS, CONFIG).files
    )


@pytest.mark.parametrize("hidden", [True, False])
def test_pictures_are_the_crop_pixel_for_pixel(make_half, hidden: bool) -> None:
    config = OverlayConfig(hide_eyes_in_report=hidden)
    pair, result = make_half()
    view = render_view(pair, result, CAPTIONS, config)
    x0, y0, x1, y1 = view.half.box
    assert (view.half.width_px, view.half.height_px) == (x1 - x0, y1 - y0)
    scene = Scene(pair, result)
    for picture, crop in (
        (view.half.baseline_picture, scene.crops[0]),
        (view.half.follow_up_picture, scene.warped),
    ):
        shown = decoded(view.files[picture])[..., ::-1].astype(int)
        assert shown.shape == (y1 - y0, x1 - x0, 3)
        skin = cropped(result.baseline.roi, view.half).copy()
        if hidden:
            skin[: skin.shape[0] // 2] = False  # where the made half has its eyes
        wanted = scene.tone.apply(crop).astype(int)
        assert np.abs(shown - wanted)[skin].mean() < 3


def test_pictures_hold_nothing_but_pixels(make_half) -> None:
    view = render_view(*make_half(), CAPTIONS, CONFIG)
    for name, content in view.files.items():
        if name.endswith(".jpg"):
            assert b"Exif" not in content
            assert b"\xff\xe1" not in content[:64]
            assert b"GPS" not in content[:200]
    residual = view.files[view.half.residual_picture]
    assert not any(chunk in residual for chunk in (b"eXIf", b"tEXt", b"iTXt", b"tIME"))


@pytest.mark.parametrize("visit", ["baseline", "follow_up"])
def test_rings_of_scars_are_their_masks(make_half, visit: str) -> None:
    _, result = half = make_half()
    view = render_view(*half, CAPTIONS, CONFIG).half
    labels = getattr(result, visit).labels
    if visit == "follow_up":
        labels = np.roll(labels, (-4, -6), axis=(0, 1))  # the registration of the made half
    found = {scar.scar_id: scar for scar in view.scars if scar.visit == visit}
    assert set(found) == set(np.unique(labels)) - {0}
    shape = (view.height_px, view.width_px)
    for label, scar in found.items():
        assert overlap(filled(scar.rings, shape), cropped(labels == label, view)) > 0.98
    fates = {scar.fate for scar in found.values()}
    assert fates == {"persisted", "shrunk", "grown"} | (
        {"healed"} if visit == "baseline" else {"new"}
    )


def test_rings_of_the_measured_skin_and_of_what_was_left_out_are_their_masks(make_half) -> None:
    _, result = half = make_half(left_out=PATCHES, fates=())
    view = render_view(*half, CAPTIONS, CONFIG).half
    shape = (view.height_px, view.width_px)
    assert overlap(filled(view.regions, shape), cropped(result.baseline.roi, view)) > 0.98
    left_out = {(part.visit, part.cause): part.rings for part in view.excluded}
    assert set(left_out) == {
        ("baseline", "hair"),
        ("baseline", "shadow"),
        ("follow_up", "highlight"),
    }
    hair = result.baseline.skin_states == 2 + CAUSES.index("hair")
    assert overlap(filled(left_out["baseline", "hair"], shape), cropped(hair, view)) > 0.95
    assert not (filled(left_out["baseline", "hair"], shape) & cropped(result.baseline.roi, view)
                ).any()  # fmt: skip


def test_skin_that_could_not_be_aligned_is_told_from_what_the_other_visit_lacks(make_half) -> None:
    pair, result = make_half(left_out=(), fates=())
    registration = replace(pair.registration, believed=pair.registration.believed.copy())
    registration.believed[150:200, 30:70] = False
    roi = result.baseline.roi & registration.registered_mask
    roi[60:80, 40:80] = False
    result = replace(result, baseline=replace(result.baseline, roi=roi))
    view = render_view(replace(pair, registration=registration), result, CAPTIONS, CONFIG).half
    shape = (view.height_px, view.width_px)
    rings = {part.cause: part.rings for part in view.excluded if part.visit == "baseline"}
    wanted = np.zeros((240, 200), bool)
    wanted[150:200, 30:70] = True
    assert overlap(filled(rings["not_aligned"], shape), cropped(wanted, view)) > 0.95
    wanted[:] = False
    wanted[60:80, 40:80] = True
    assert overlap(filled(rings["other_visit"], shape), cropped(wanted, view)) > 0.95


def test_coordinates_have_one_decimal(make_half) -> None:
    content = render_view(*make_half(), CAPTIONS, CONFIG).files[view_names("P01", "right")["data"]]
    data = json.loads(content)
    numbers = [n for scar in data["scars"] for ring in scar["rings"] for xy in ring for n in xy]
    assert len(numbers) > 100
    assert all(round(n, 1) == n for n in numbers)


def _green_pupils(pair) -> None:
    for image, face in zip(pair.images, pair.faces, strict=True):
        for pupil in (468, 473):
            x, y = face.landmarks[pupil, :2].astype(int)
            image[y - 3 : y + 4, x - 3 : x + 4] = (0, 255, 0)


def _shows_green(content: bytes) -> bool:
    blue, green, red = np.moveaxis(decoded(content)[..., :3].astype(int), -1, 0)
    return bool((green - np.maximum(blue, red) > 40).any())


@pytest.mark.parametrize(
    ("config", "hidden"),
    [
        ({}, True),
        ({"hide_eyes_in_report": False}, False),
        ({"hide_eyes": True, "hide_eyes_in_report": False}, True),
    ],
)
def test_eyes_are_hidden_unless_asked_otherwise(make_half, config: dict, hidden: bool) -> None:
    pair, result = make_half(roi_box=(20, 40, 180, 210), fates=())
    _green_pupils(pair)
    view = render_view(pair, result, CAPTIONS, OverlayConfig(**config))
    assert view.half.eyes_hidden == hidden
    for name in (view.half.baseline_picture, view.half.follow_up_picture, view.half.thumbnail):
        assert _shows_green(view.files[name]) != hidden


def test_eyes_of_either_visit_are_hidden_in_both_pictures(make_half) -> None:
    pair, result = make_half(roi_box=(20, 40, 180, 210), fates=())
    moved = pair.faces[1].landmarks + np.array([0, 25, 0])  # looked elsewhere at the follow-up
    pair = replace(pair, faces=(pair.faces[0], replace(pair.faces[1], landmarks=moved)))
    _green_pupils(pair)
    view = render_view(pair, result, CAPTIONS, CONFIG)
    covers = []
    for name in (view.half.baseline_picture, view.half.follow_up_picture):
        assert not _shows_green(view.files[name])
        covers.append((np.abs(decoded(view.files[name]).astype(int) - 26) < 12).all(axis=2))
    assert overlap(*covers) > 0.9


def test_the_residual_is_transparent_where_nothing_was_aligned(make_half) -> None:
    pair, result = make_half(left_out=())
    error = pair.registration.error_mm.copy()
    error[120:, :] = 0.5
    believed = pair.registration.believed.copy()
    believed[:80] = False
    registration = replace(pair.registration, error_mm=error, believed=believed)
    view = render_view(replace(pair, registration=registration), result, CAPTIONS, CONFIG)
    picture = decoded(view.files[view.half.residual_picture])
    assert picture.shape[2] == 4
    scale = picture.shape[0] / view.half.height_px
    seen = cropped(result.baseline.roi & registration.registered_mask, view.half).astype(np.uint8)
    seen = cv2.resize(seen, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert np.array_equal(picture[..., 3] > 0, seen)
    assert set(np.unique(picture[..., 3])) < {0, *range(100, 200)}
    x0, y0, *_ = view.half.box
    low, high = (
        picture[round((y - y0) * scale), round((60 - x0) * scale), :3].astype(int)
        for y in (100, 180)
    )
    assert low.tolist() == [84, 1, 68]  # viridis, BGR
    assert np.abs(high - [37, 231, 253]).max() <= 1


def test_the_thumbnail_is_small(make_half) -> None:
    rng = np.random.default_rng(0)
    pair, result = make_half()
    noisy = tuple(
        np.clip(image + rng.normal(0, 20, image.shape), 0, 255).astype(np.uint8)
        for image in pair.images
    )
    view = render_view(replace(pair, images=noisy), result, CAPTIONS, CONFIG)
    content = view.files[view.half.thumbnail]
    assert len(content) <= 12_000
    assert 200 <= decoded(content).shape[1] <= 320


@pytest.mark.parametrize("half", [{"scale": None}, {"fates": ()}, {"dtype": np.uint16}])
def test_any_half_has_a_view(make_half, half: dict) -> None:
    view = render_view(*make_half(**half), CAPTIONS, CONFIG).half
    assert view.mm_per_px == (None if "scale" in half else 0.3)
    assert bool(view.scars) == ("fates" not in half)


def test_a_large_crop_is_reduced_and_everything_with_it(make_half, monkeypatch) -> None:
    pair, result = make_half()
    whole = render_view(pair, result, CAPTIONS, CONFIG).half
    monkeypatch.setattr(views_module, "_MOST_PIXELS", whole.width_px * whole.height_px // 4)
    view = render_view(pair, result, CAPTIONS, CONFIG)
    small = view.half
    assert small.box == whole.box
    assert small.height_px == pytest.approx(whole.height_px / 2, abs=1)
    assert small.mm_per_px == pytest.approx(0.6, rel=0.02)
    assert decoded(view.files[small.baseline_picture]).shape[:2] == (
        small.height_px,
        small.width_px,
    )
    for a, b in zip(whole.scars, small.scars, strict=True):
        middle = np.array(a.rings[0]).mean(axis=0), np.array(b.rings[0]).mean(axis=0)
        assert middle[1] == pytest.approx((middle[0] + 0.5) / 2 - 0.5, abs=0.6)


@settings(max_examples=30)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_no_id_can_bring_markup_into_a_view(text: str) -> None:
    half = HalfView(
        subject_id=f"<script>{text}&",
        side="left",
        baseline_visit="</script>",
        follow_up_visit=text,
        box=(0, 0, 1, 1),
        width_px=1,
        height_px=1,
        letters=("R", "L"),
        baseline_picture="a",
        follow_up_picture="b",
        residual_picture="c",
        residual_mm=(0, 1),
        thumbnail="d",
        eyes_hidden=True,
    )
    content = views_module._json(half)
    assert not set(b"<>&") & set(content)
    assert HalfView.model_validate_json(content) == half


def test_an_id_that_is_no_file_name_is_refused(make_half) -> None:
    for bad in ("../x", "<b>", "a/b", ""):
        with pytest.raises(ValueError, match="subject id"):
            render_view(*make_half(), replace(CAPTIONS, subject_id=bad), CONFIG)
