"""Enlarged pictures with contours, so that a person can look at what the figures mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from _scores import masks_of
from skimage.io import imsave

from scarmetrics.opencv import cv2
from scarmetrics.photometry import to_uint8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Image, Mask

    Layer = tuple[Sequence[Mask], tuple[int, int, int]]

CROP_ZOOM = 4
HALF_ZOOM = 2
FOUND, FIRST, SECOND = (255, 230, 0), (0, 220, 255), (255, 80, 220)
GAP_PX = 8
WORST = 3
MARGIN_PX = 8


def panel(image: Image, layers: Sequence[Layer], zoom: int) -> NDArray[np.uint8]:
    """An enlargement with the outlines of masks, each layer in a colour of its own."""
    size = (image.shape[1] * zoom, image.shape[0] * zoom)
    drawn = cv2.resize(to_uint8(image), size, interpolation=cv2.INTER_CUBIC)
    for masks, colour in layers:
        for mask in masks:
            large = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)
            lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(drawn, lines, -1, colour, 1)
    return np.asarray(drawn, np.uint8)


def side_by_side(panels: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    gap = np.full((panels[0].shape[0], GAP_PX, 3), 255, np.uint8)
    joined = [part for shown in panels for part in (gap, shown)][1:]
    return np.hstack(joined)


class Half(NamedTuple):
    """A half as a method sees it, and the truth where it is known."""

    name: str
    image: Image
    labels: NDArray[np.int32]
    roi: Mask
    truth: Mask | None = None


@dataclass
class Gallery:
    """Collects pictures; of halves only the worst are kept until the end.

    Attributes
    ----------
    folder : Path or None
        Where they go; nothing is kept without one.
    """

    folder: Path | None
    _worst: dict[tuple[str, str], list[tuple[float, str, NDArray[np.uint8]]]] = field(
        default_factory=dict
    )

    def crop(
        self, name: str, image: Image, labels: NDArray[np.int32], readers: Sequence[Sequence[Mask]]
    ) -> None:
        """Write a close-up: the method's contours beside both readers' ellipses."""
        if self.folder is None:
            return
        traced = [(readers[0], FIRST), (readers[1], SECOND)]
        found = panel(image, [(masks_of(labels), FOUND)], CROP_ZOOM)
        plain = panel(image, [], CROP_ZOOM)
        self._save(name, side_by_side([plain, found, panel(image, traced, CROP_ZOOM)]))

    def offer(self, kind: str, method: str, badness: float, half: Half) -> None:
        """Keep a half if it is among the worst of its kind for this method."""
        if self.folder is None:
            return
        kept = self._worst.setdefault((kind, method), [])
        if len(kept) == WORST and badness <= kept[-1][0]:
            return
        window = around(half.roi)
        image, labels = half.image[window], half.labels[window]
        panels = [panel(image, [], HALF_ZOOM)]
        panels.append(panel(image, [(masks_of(labels), FOUND)], HALF_ZOOM))
        if half.truth is not None:
            panels.append(panel(image, [([half.truth[window]], FIRST)], HALF_ZOOM))
        kept.append((badness, half.name, side_by_side(panels)))
        kept.sort(key=lambda entry: -entry[0])
        del kept[WORST:]

    def close(self) -> None:
        """Write the worst halves."""
        if self.folder is None:
            return
        for (kind, method), kept in self._worst.items():
            for rank, (_, name, picture) in enumerate(kept, start=1):
                self._save(f"{kind}_{method}_worst{rank}_{name}", picture)

    def _save(self, name: str, picture: NDArray[np.uint8]) -> None:
        assert self.folder is not None, "callers check"
        self.folder.mkdir(parents=True, exist_ok=True)
        imsave(self.folder / f"{name}.png", picture, check_contrast=False)


def around(roi: Mask) -> tuple[slice, slice]:
    """The box around a region, with a margin."""
    spans = []
    for axis, length in ((1, roi.shape[0]), (0, roi.shape[1])):
        found = np.flatnonzero(roi.any(axis=axis))
        first, last = (int(found[0]), int(found[-1])) if len(found) else (0, length - 1)
        spans.append(slice(max(0, first - MARGIN_PX), min(length, last + 1 + MARGIN_PX)))
    return spans[0], spans[1]
