"""How long segmentation takes, on one thread, beside a fixed operation on the same machine."""

from __future__ import annotations

import statistics
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from _faces import held_out_names, load
from _legs import aligned, three_photographs

from scarmetrics.opencv import cv2
from scarmetrics.pipeline import Pair, measure_side
from scarmetrics.segmentation import Response, make_segmenter, pool_noise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _faces import Method, Person

    from scarmetrics.models import Image, Mask
    from scarmetrics.phantom import Recaptured

REPEATS = 3
WIDTH_PX, HEIGHT_PX = 3000, 4000  # 12 megapixels
PATCH_MM_PER_PX = 0.2
PATCH_PX = 500
REFERENCE_SIGMA_PX = 5.0


def leg_time(methods: Sequence[Method]) -> dict[str, dict[str, Any]]:
    """Seconds for a half of 12 MP photographs, both visits, and per megapixel at 0.2 mm/px."""
    person = load(next(name for name in held_out_names() if name.startswith("canada")))
    shots = three_photographs(person)
    zoom = WIDTH_PX / person.image.shape[1]
    pair = aligned(*(enlarged(shots[name], zoom) for name in ("first", "later")))
    patch = patch_of(shots["first"].image, person, shots["first"].mm_per_px)
    whole = np.ones(patch.shape[:2], bool)
    reference = median_seconds(lambda: cv2.GaussianBlur(pair.images[0], (0, 0), REFERENCE_SIGMA_PX))
    figures = {}
    for method in methods:
        config = method.config(min(pair.detection_mm_per_px))
        half = median_seconds(partial(find_in_half, method, pair))
        side = median_seconds(partial(measure_side, pair, "left", config))
        one = median_seconds(partial(method.labels, patch, PATCH_MM_PER_PX, whole))
        figures[method.name] = {
            "n": REPEATS,
            "seconds_half_pair": half,
            "seconds_measure_side": side,
            "seconds_per_megapixel": one / (whole.size / 1e6),
            "half_pair_over_reference": half / reference,
            "reference_seconds": reference,
        }
    return figures


def enlarged(shot: Recaptured, zoom: float) -> tuple[Image, float]:
    """A photograph with more pixels, and its scale."""
    size = (WIDTH_PX, HEIGHT_PX)
    return cv2.resize(shot.image, size, interpolation=cv2.INTER_CUBIC), shot.mm_per_px / zoom


def find_in_half(method: Method, pair: Pair) -> None:
    """Find the scars of a half at both visits, and nothing else."""
    segmenter = make_segmenter(method.config(min(pair.detection_mm_per_px)).segmentation)
    coarsest = max(pair.detection_mm_per_px)
    found: list[tuple[Response, Mask]] = []
    for image, face, mm_per_px in zip(
        pair.images, pair.faces, pair.detection_mm_per_px, strict=True
    ):
        skin = face.skin_mask("left")
        response = segmenter.respond(image, skin, mm_per_px, coarsest)
        if isinstance(response, Response):
            found.append((response, skin))
    noise = pool_noise([response for response, _ in found])
    for response, skin in found:
        segmenter.label(response, skin, noise)


def patch_of(image: Image, person: Person, mm_per_px: float) -> Image:
    """A square around the middle of a left half, at 0.2 mm/px."""
    zoom = mm_per_px / PATCH_MM_PER_PX
    size = (round(image.shape[1] * zoom), round(image.shape[0] * zoom))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    y, x = (int(found.mean() * zoom) for found in np.nonzero(person.face.skin_mask("left")))
    row = int(np.clip(y - PATCH_PX // 2, 0, size[1] - PATCH_PX))
    col = int(np.clip(x - PATCH_PX // 2, 0, size[0] - PATCH_PX))
    return np.ascontiguousarray(small[row : row + PATCH_PX, col : col + PATCH_PX])


def median_seconds(action: Callable[[], object]) -> float:
    """Median of three runs, in seconds of one core: what else the machine does matters less."""
    seconds = []
    for _ in range(REPEATS):
        started = time.process_time()
        action()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds)
