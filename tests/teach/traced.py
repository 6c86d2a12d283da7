"""Phantoms as a clinic would trace them."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
from skimage.io import imsave

from scarmetrics.phantom import Light, astronaut_face, render, scar_field
from scarmetrics.teach import make_lesson

MM_PER_PX = 0.25
_SIDE = 150  # px


@cache
def cheek(number):
    """(image, labels) of a scarred cheek; another number is another face and light."""
    face = astronaut_face(number, MM_PER_PX)
    skin = face.face.skin_mask("left" if number % 2 else "right")
    scars = scar_field(
        skin, mm_per_px=face.mm_per_px, seed=number, area_fraction=0.05, diameter_mm=(1.5, 4.0)
    )
    light = Light(light_deg=70.0 * number)
    phantom = render(face.image, scars, mm_per_px=face.mm_per_px, light=light)
    y, x = (int(np.median(values)) for values in np.nonzero(phantom.labels))
    window = np.s_[max(0, y - _SIDE // 2) :, max(0, x - _SIDE // 2) :]
    crop = (phantom.image[window], phantom.labels[window])
    image, labels = (part[:_SIDE, :_SIDE].copy() for part in crop)
    return image, labels.astype(np.int32)


def lessons(numbers, readers=1):
    """Lessons of some cheeks, a person each."""
    return [
        make_lesson(
            cheek(number)[0], [cheek(number)[1]] * readers, mm_per_px=MM_PER_PX, name=f"P{number}"
        )
        for number in numbers
    ]


def write_folder(folder, numbers=(1, 2)):
    """A folder of photographs with masks."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        image, labels = cheek(number)
        imsave(folder / f"P{number}.png", image, check_contrast=False)
        imsave(folder / f"P{number}.mask.png", labels.astype(np.uint16), check_contrast=False)
    return folder


def write_json(path, data):
    path.write_text(json.dumps(data), encoding="utf-8")
