from __future__ import annotations

import numpy as np
import pytest

from scarmetrics.config import OverlayConfig
from scarmetrics.overlay import Captions, Scene, render_overlays
from scarmetrics.overlay.frame import fitted
from scarmetrics.overlay.panels import draw_panel
from scarmetrics.overlay.strokes import FATE_STROKES

CAPTIONS = Captions("P01", "baseline", "month3", None, None, "1.2.3")
CONFIG = OverlayConfig(max_side_px=600)


def pictures(overlays) -> tuple[np.ndarray, ...]:
    return overlays.baseline, overlays.follow_up, overlays.pair


def bare_panels(pair, result) -> tuple[np.ndarray, np.ndarray]:
    """Both visits in the baseline's frame on gray, the follow-up's marks carried over."""
    scene = Scene(pair, result)
    frame = fitted(scene.boxes[0], 600)
    gray = np.full((frame.size[1], frame.size[0], 3), 128, np.uint8)
    return tuple(draw_panel(gray, frame, m, (), 12) for m in (scene.marks[0], scene.carried))


def coloured(panel: np.ndarray, fate: str) -> np.ndarray:
    return np.abs(panel.astype(int) - np.array(FATE_STROKES[fate].colour)).max(axis=2) < 25


@pytest.mark.parametrize(
    "half",
    [
        {},
        {"scale": None},
        {"fates": ()},
        {"fates": ("healed",)},
        {"fates": ("new",)},
        {"dtype": np.uint16},
        {"roi_box": (60, 100, 62, 103), "fates": ()},
        {"roi_box": (0, 150, 190, 160), "fates": ()},
        {"flags": ("high_residual", "pose_difference", "low_registered_fraction")},
    ],
    ids=lambda half: "-".join(half) or "all fates",
)
def test_any_half_is_drawn_and_always_the_same(make_half, half: dict) -> None:
    first = pictures(render_overlays(*make_half(**half), CAPTIONS, CONFIG))
    second = pictures(render_overlays(*make_half(**half), CAPTIONS, CONFIG))
    for picture, again in zip(first, second, strict=True):
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        assert np.array_equal(picture, again)


def test_inputs_are_left_alone(make_half) -> None:
    pair, result = make_half()
    images = [image.copy() for image in pair.images]
    labels = result.baseline.labels.copy()
    render_overlays(pair, result, CAPTIONS, CONFIG)
    assert all(np.array_equal(a, b) for a, b in zip(images, pair.images, strict=True))
    assert np.array_equal(labels, result.baseline.labels)


@pytest.mark.parametrize("max_side_px", [200, 600, 1500])
def test_panels_have_the_size_asked_for(make_half, max_side_px: int) -> None:
    config = OverlayConfig(max_side_px=max_side_px)
    pair_picture = render_overlays(*make_half(), CAPTIONS, config).pair
    assert max_side_px < pair_picture.shape[0] < 1.5 * max_side_px + 400


def test_a_healed_scar_is_on_the_baseline_only_and_a_new_one_on_the_follow_up(make_half) -> None:
    before, after = bare_panels(*make_half())
    for fate in ("persisted", "shrunk", "grown"):
        assert coloured(before, fate).any()
        assert coloured(after, fate).any()
    assert coloured(before, "healed").any()
    assert not coloured(after, "healed").any()
    assert coloured(after, "new").any()
    assert not coloured(before, "new").any()


def test_an_unchanged_scar_is_outlined_at_the_same_place_of_both_panels(make_half) -> None:
    before, after = bare_panels(*make_half(fates=("persisted",)))
    places = [np.argwhere(coloured(panel, "persisted")).mean(axis=0) for panel in (before, after)]
    assert places[0] == pytest.approx(places[1], abs=0.5)


def test_hidden_eyes_do_not_show_in_any_picture(make_half) -> None:
    pair, result = make_half(roi_box=(20, 40, 180, 210))
    for image, face in zip(pair.images, pair.faces, strict=True):
        for pupil in (468, 473):
            x, y = face.landmarks[pupil, :2].astype(int)
            image[y - 3 : y + 4, x - 3 : x + 4] = (0, 255, 0)
    for hidden in (False, True):
        config = OverlayConfig(max_side_px=600, hide_eyes=hidden)
        for picture in pictures(render_overlays(pair, result, CAPTIONS, config)):
            green = picture[..., 1].astype(int) - picture.max(axis=2, initial=0, where=[1, 0, 1])
            assert (green > 60).any() == (not hidden)
