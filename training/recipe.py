"""What a training phantom looks like: every draw of the renderer and the camera in one place.

Light comes from any direction, high or low, hard or soft; skin is even or rough; scars are
confluent, isolated or absent; marks that are no scars lie on all of them; cameras differ in
sharpness, exposure, white balance, tone, noise and compression. Nothing is learned from a
direction of light, because there is none that returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import scarmetrics.phantom as ph
from scarmetrics.opencv import cv2
from scarmetrics.phantom.light import decode, encode
from scarmetrics.phantom.recapture import to_jpeg

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("confluent", "isolated", "mixed", "clear")
KIND_SHARES = (0.45, 0.15, 0.15, 0.25)
# factors on how many marks there are
EVERYWHERE = {"mole": 4.0, "papule": 2.0}
AMONG_SCARS = {"freckle": 0.05, "mole": 0.4, "pores": 0.5}


@dataclass(frozen=True, eq=False)
class Example:
    """A photograph with its truth on the photograph's own pixels."""

    image: NDArray[np.uint8]
    roi: NDArray[np.bool_]
    inside: NDArray[np.float32]
    relative_depth: NDArray[np.float32]
    mm_per_px: float
    kind: str


def draw_light(rng: np.random.Generator) -> ph.Light:
    """Any light; on most cheeks soft enough for floors to be dark all over, on some hard."""
    hard = rng.random() < 0.3
    return ph.Light(
        light_deg=float(rng.uniform(0, 360)),
        elevation_deg=float(rng.uniform(15, 50) if hard else rng.uniform(30, 70)),
        light_softness=float(rng.uniform(0.1, 0.5) if hard else rng.uniform(0.45, 0.95)),
        occlusion=float(rng.uniform(1.0, 2.4) if hard else rng.uniform(1.3, 3.0)),
        shadow=float(rng.uniform(0, 1)),
        gloss=float(rng.uniform(0, 0.9) if rng.random() < 0.6 else 0),
        tint=float(rng.uniform(0.3, 2.3)),
        pigment=float(rng.uniform(-0.05, 0.2)),
    )


def draw_roughness(rng: np.random.Generator, scarred: bool) -> ph.Roughness | None:
    """Scarred skin is mostly rough, clear skin mostly is not."""
    if rng.random() > (0.9 if scarred else 0.35):
        return None
    octaves = (0.25, 0.5, 1.0, 2.0)
    first = int(rng.integers(0, 3))
    sizes = octaves[first : first + int(rng.integers(1, 4))]
    # well below the depths of scars of the same width: a reader would outline deeper dimples
    per_width = float(np.exp(rng.uniform(*np.log((0.005, 0.028 if scarred else 0.02)))))
    return ph.Roughness(
        depth_mm=per_width * float(np.mean(sizes)),
        grain_deg=float(rng.uniform(0, 180)),
        stretch=float(1.2 + rng.gamma(1.5, 0.9)),
        size_mm=sizes,
        seed=int(rng.integers(2**31)),
    )


def draw_scars(
    rng: np.random.Generator, kind: str, skin: NDArray[np.bool_], mm_per_px: float
) -> list[ph.Scar]:
    """Scars of a kind."""
    scars: list[ph.Scar] = []
    fraction = float(np.exp(rng.uniform(*np.log((0.008, 0.11)))))
    if kind in ("confluent", "mixed"):
        scars += ph.confluent_field(
            skin, mm_per_px=mm_per_px, seed=int(rng.integers(2**31)), area_fraction=fraction
        )
    if kind in ("isolated", "mixed"):
        scars += ph.scar_field(
            skin,
            mm_per_px=mm_per_px,
            seed=int(rng.integers(2**31)),
            area_fraction=fraction / 2,
            confluent_fraction=float(rng.uniform(0, 0.6)),
            clearance_mm=float(rng.uniform(0.5, 4)),
        )
    return scars


def draw_marks(
    rng: np.random.Generator, kind: str, skin: NDArray[np.bool_], mm_per_px: float
) -> list[ph.Mark]:
    """What is no scar; among scars, flat brown spots are rare, since none could tell them apart."""
    density = float(rng.choice((0.0, 0.5, 1.5), p=(0.3, 0.4, 0.3)))
    marks = []
    for mark in ph.MARK_KINDS:
        factor = EVERYWHERE.get(mark, 1.0)
        if kind != "clear":
            factor *= AMONG_SCARS.get(mark, 1.0)
        marks += ph.mark_field(
            skin,
            mm_per_px=mm_per_px,
            seed=int(rng.integers(2**31)),
            kinds=(mark,),
            density=density * factor,
        )
    return marks


def draw_example(
    face_image: NDArray[np.uint8], skin: NDArray[np.bool_], mm_per_px: float, seed: int
) -> Example:
    """One photograph of a half, rendered and taken."""
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(KINDS, p=KIND_SHARES))
    mm_per_px *= float(np.exp(rng.uniform(-0.3, 0.25)))  # coarser and finer skin than it is
    scars = draw_scars(rng, kind, skin, mm_per_px)
    marks = draw_marks(rng, kind, skin, mm_per_px)
    phantom = ph.render(
        face_image,
        scars,
        mm_per_px=mm_per_px,
        light=draw_light(rng),
        marks=marks,
        roughness=draw_roughness(rng, kind != "clear"),
        skin=skin,
    )
    return take(phantom, skin, kind, rng)


def take(
    phantom: ph.Phantom, skin: NDArray[np.bool_], kind: str, rng: np.random.Generator
) -> Example:
    """Photograph a phantom with a camera of its own resolution and processing."""
    zoom = min(1.0, phantom.mm_per_px / float(rng.uniform(0.10, 0.28)))
    rows, cols = skin.shape
    size = (max(1, round(cols * zoom)), max(1, round(rows * zoom)))
    linear = cv2.resize(decode(phantom.image), size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.35:
        linear = cv2.GaussianBlur(linear, (0, 0), float(rng.uniform(0.3, 1.1)))
    linear = linear * np.exp(rng.normal(0, (0.12, 0.08, 0.12))).astype(np.float32)
    linear *= np.float32(np.exp(rng.normal(0, 0.2)))
    code = encode(linear, np.uint8).astype(np.float32)
    if rng.random() < 0.5:  # phones sharpen
        soft = cv2.GaussianBlur(code, (0, 0), float(rng.uniform(0.7, 2.0)))
        code += np.float32(rng.uniform(0.2, 1.2)) * (code - soft)
    code = 255 * (np.clip(code, 0, 255) / 255) ** np.float32(np.exp(rng.normal(0, 0.15)))
    code += rng.standard_normal(code.shape, np.float32) * np.float32(rng.uniform(0, 4))
    taken = np.round(np.clip(code, 0, 255)).astype(np.uint8)
    if rng.random() < 0.8:
        quality = int(rng.integers(50, 97))
        data = np.frombuffer(to_jpeg(taken, quality), np.uint8)
        taken = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)

    def reduced(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)

    return Example(
        image=taken,
        roi=reduced(skin.astype(np.float32)) > 0.5,
        inside=reduced(phantom.coverage),
        relative_depth=reduced(phantom.relative_depth),
        mm_per_px=phantom.mm_per_px * cols / size[0],
        kind=kind,
    )
