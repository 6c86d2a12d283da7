"""Real faces for the benchmarks: who they are, their scale and skin; methods by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from _common import require
from _peers import LEAST_DIAMETER_MM, LEAST_DIAMETER_PX, PEERS
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.models import SIDES, Side
from scarmetrics.opencv import cv2
from scarmetrics.pipeline.skin import side_skin
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scarmetrics.models import Image, Mask

# No net is trained on them; training takes the others.
HELD_OUT_LONDON = ("086", "090", "092", "096", "099", "101", "103", "105", "108", "113")
HELD_OUT_CANADA = ("116m", "119m", "123m", "147m", "149m", "152m")

CROP_PX = 224
CROP_MM_PER_PX = 0.2


@dataclass(frozen=True)
class Method:
    """A way to find scars, by the name that a config gives it."""

    name: str

    @property
    def ours(self) -> bool:
        return self.name not in PEERS

    def config(self, mm_per_px: float) -> sm.StudyConfig:
        """Defaults, but no scar is asked for that is smaller than four pixels."""
        least = max(LEAST_DIAMETER_MM, LEAST_DIAMETER_PX * mm_per_px)
        section = {"method": self.name, "min_diameter_mm": least}
        # phantom scars are drawn in the picture, and so is their true area
        return sm.StudyConfig.model_validate({"segmentation": section, "face": {"surface": "flat"}})

    def labels(self, image: Image, mm_per_px: float, roi: Mask | None = None) -> NDArray[np.int32]:
        """Scars of one photograph."""
        config = self.config(mm_per_px).segmentation
        found = sm.segment(image, mm_per_px=mm_per_px, roi=roi, config=config)
        if not isinstance(found, sm.ScarLabels):
            raise SystemExit(f"{self.name} found nothing to work on: {found.reason}")
        return found.labels


@dataclass(frozen=True, eq=False)
class Person:
    """One frontal photograph with its face.

    Attributes
    ----------
    name : str
        Such as ``london-086``.
    number : int
        Position among all, the seed of what is drawn.
    image : ndarray of uint8, shape (M, N, 3)
        RGB.
    face : Face
        Its face.
    mm_per_px : float
        From 63 mm between the pupils.
    """

    name: str
    number: int
    image: Image
    face: sm.Face
    mm_per_px: float

    @property
    def held_out(self) -> bool:
        group, _, code = self.name.partition("-")
        return code in (HELD_OUT_LONDON if group == "london" else HELD_OUT_CANADA)


def names() -> list[str]:
    """All people, the two groups mixed evenly so that any first few hold both."""
    folder = require("faces")
    london = sorted(path.name[:3] for path in (folder / "london").glob("*_03.jpg"))
    canada = sorted(path.stem for path in (folder / "canada").glob("*.jpg"))
    return mixed([f"london-{code}" for code in london], [f"canada-{code}" for code in canada])


def held_out_names() -> list[str]:
    """Those that nothing was trained on."""
    return mixed(
        [f"london-{code}" for code in HELD_OUT_LONDON],
        [f"canada-{code}" for code in HELD_OUT_CANADA],
    )


def mixed(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Both lists in their own order, evenly interleaved."""
    places = [(i + 0.5) / len(items) for items in (first, second) for i in range(len(items))]
    both = [*first, *second]
    return [both[i] for i in np.argsort(places, kind="stable")]


def load(name: str) -> Person:
    """Read a person's neutral photograph and find the face."""
    group, _, code = name.partition("-")
    path = require("faces") / group / (f"{code}_03.jpg" if group == "london" else f"{code}.jpg")
    image = imread(path)
    face = sm.detect_face(image)
    if not face:
        raise SystemExit(f"no face in a published photograph, {path.name}: {face.reason}")
    return Person(
        name=name,
        number=_order()[name],
        image=image,
        face=face,
        mm_per_px=NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px,
    )


def people(chosen: Sequence[str], count: int | None) -> Iterator[tuple[int, Person]]:
    """The first of them, numbered; read one at a time."""
    for index, name in enumerate(chosen[:count]):
        yield index, load(name)


@cache
def _order() -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted(names()))}


def measured_skin(image: Image, face: sm.Face, side: Side, mm_per_px: float) -> Mask:
    """The region that the pipeline measures: skin of one side that can be measured."""
    return side_skin(image, face, side, mm_per_px, sm.StudyConfig()).mask


def cheek_crops(person: Person) -> Iterator[tuple[Side, Image, Mask]]:
    """One clear cheek crop per side at 0.2 mm/px, 224 px wide, with its skin.

    It lies where it holds the most skin of that side, below the pupils.
    """
    zoom = person.mm_per_px / CROP_MM_PER_PX
    rows, cols = person.image.shape[:2]
    size = (round(cols * zoom), round(rows * zoom))
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    image = cv2.resize(person.image, size, interpolation=how)
    eyes_y = person.face.landmarks[[468, 473], 1].mean() * zoom
    for side in SIDES:
        skin = measured_skin(person.image, person.face, side, person.mm_per_px)
        skin = cv2.resize(skin.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)
        box = cv2.boxFilter(
            skin.astype(np.float32), -1, (CROP_PX, CROP_PX), anchor=(0, 0), normalize=False,
            borderType=cv2.BORDER_CONSTANT,
        )  # fmt: skip
        box = box[: size[1] - CROP_PX + 1, : size[0] - CROP_PX + 1]
        box[: int(eyes_y)] = -1
        y, x = np.unravel_index(int(box.argmax()), box.shape)
        window = np.s_[y : y + CROP_PX, x : x + CROP_PX]
        yield side, image[window], skin[window] > 0
