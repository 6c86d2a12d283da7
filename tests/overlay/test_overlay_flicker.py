"""What did not change must not jump when the two pictures of a view are shown in turn."""

from __future__ import annotations

import numpy as np
import pytest

from scarmetrics import StudyConfig, decode_photograph
from scarmetrics.config import OverlayConfig
from scarmetrics.opencv import cv2
from scarmetrics.overlay import Captions, Scene, render_view
from scarmetrics.pipeline import Pair, align_pair, measure_side
from scarmetrics.units import PixelScale

PATCH_PX = 32
CAPTIONS = Captions("P01", "baseline", "month3", None, None, "1.2.3")


def fine_texture(picture: np.ndarray) -> np.ndarray:
    gray = picture[..., 1].astype(np.float32)
    return cv2.GaussianBlur(gray, (0, 0), 0.8) - cv2.GaussianBlur(gray, (0, 0), 6)


def jumps_px(first: np.ndarray, second: np.ndarray, stable: np.ndarray) -> np.ndarray:
    """How far the second picture's skin lies from the first's, in patches of stable skin."""
    window = cv2.createHanningWindow((PATCH_PX, PATCH_PX), cv2.CV_32F)
    found = []
    for y in range(0, stable.shape[0] - PATCH_PX, PATCH_PX // 4):
        for x in range(0, stable.shape[1] - PATCH_PX, PATCH_PX // 4):
            place = np.s_[y : y + PATCH_PX, x : x + PATCH_PX]
            if stable[place].all():
                shift, _ = cv2.phaseCorrelate(
                    np.ascontiguousarray(first[place]), np.ascontiguousarray(second[place]), window
                )
                found.append(np.hypot(*shift))
    return np.array(found)


@pytest.fixture(scope="module")
def aligned(repository) -> tuple[Pair, StudyConfig]:
    """A phantom photographed twice, the second time from elsewhere, with its scars shrunk."""
    images = [
        decode_photograph(repository / f"fixtures/images/exports/P01/{visit}_frontal.jpg").pixels
        for visit in ("baseline", "month3")
    ]
    config = StudyConfig()
    scales = (PixelScale(0.2917, 0.01, "manifest"), PixelScale(0.2908, 0.01, "manifest"))
    pair = align_pair(images[0], images[1], scales=scales, config=config)
    assert isinstance(pair, Pair)
    return pair, config


@pytest.mark.parametrize("side", ["left", "right"])
def test_stable_skin_does_not_jump_between_the_pictures(aligned, side: str) -> None:
    pair, config = aligned
    result = measure_side(pair, side, config)
    scene = Scene(pair, result)
    view = render_view(pair, result, CAPTIONS, OverlayConfig(hide_eyes_in_report=False), scene)
    x0, y0, x1, y1 = view.half.box
    scars = (result.baseline.labels > 0) | pair.registration.to_fixed(result.follow_up.labels > 0)
    scars = cv2.dilate(scars.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    stable = (result.baseline.roi & ~scars)[y0:y1, x0:x1]
    first, second = (
        fine_texture(cv2.imdecode(np.frombuffer(view.files[name], np.uint8), cv2.IMREAD_COLOR))
        for name in (view.half.baseline_picture, view.half.follow_up_picture)
    )
    jumps = jumps_px(first, second, stable)
    assert len(jumps) > 20
    assert np.median(jumps) < 0.5
    assert np.mean(jumps <= 1) > 0.9
    # the unwarped follow-up does jump, or this test would see nothing
    bare = fine_texture(pair.images[1][y0:y1, x0:x1])
    assert np.mean(jumps_px(first, bare, stable) <= 1) < 0.5
