"""The same face photographed again: moved, a little deformed, under other light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.phantom.light import decode, encode
from scarmetrics.phantom.render import Phantom, render
from scarmetrics.phantom.shading import Light
from scarmetrics.phantom.warps import Warp, draw_waves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scarmetrics.models import Image, Points
    from scarmetrics.phantom.scars import Scar

_WAVES_MM = (70.0, 200.0)  # an expression bends whole cheeks, not single scars


@dataclass(frozen=True)
class Exposure:
    """What a camera does to a picture without moving a pixel.

    Attributes
    ----------
    gain : float
        Factor on linear light.
    white_balance : tuple of float
        Further factors for R, G and B.
    noise : float
        Standard deviation in linear light where the picture is white. It is shot noise: it falls
        with the root of the light.
    jpeg_quality : int or None
        Quality of a JPEG round trip, 1 to 100; None for none. 16-bit pictures never take one.
    """

    gain: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 0.006
    jpeg_quality: int | None = 92


def draw_exposure(
    seed: int,
    *,
    gain_sd: float = 0.05,
    white_balance_sd: float = 0.02,
    noise: float = 0.006,
    jpeg_quality: int | None = 92,
) -> Exposure:
    """Draw an exposure at random.

    Parameters
    ----------
    seed : int
        The same seed gives the same exposure.
    gain_sd, white_balance_sd : float, optional
        Standard deviations of the logarithms.
    noise, jpeg_quality : optional
        As they are in `Exposure`.

    Returns
    -------
    Exposure
    """
    rng = np.random.default_rng(seed)
    red, green, blue = np.exp(rng.normal(0, white_balance_sd, 3)).tolist()
    gain = float(np.exp(rng.normal(0, gain_sd)))
    return Exposure(gain, (red, green, blue), noise, jpeg_quality)


def expose(image: Image, exposure: Exposure, *, seed: int) -> Image:
    """Photograph a picture: exposure, white balance, noise, JPEG; no pixel moves.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    exposure : Exposure
        How.
    seed : int
        Of the noise.

    Returns
    -------
    ndarray of uint8 or uint16, shape (M, N, 3)
    """
    gains = np.float32(exposure.gain) * np.array(exposure.white_balance, np.float32)
    linear = decode(image) * gains
    rng = np.random.default_rng(seed)
    grain = rng.standard_normal(linear.shape, np.float32) * np.float32(exposure.noise)
    linear += grain * np.sqrt(linear)
    taken = encode(linear, image.dtype)
    if exposure.jpeg_quality is None or taken.dtype != np.uint8:
        return taken
    code = np.frombuffer(to_jpeg(taken, exposure.jpeg_quality), np.uint8)
    decoded = cv2.imdecode(code, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "it was encoded a line above"
    return decoded.astype(np.uint8, copy=False)


def to_jpeg(image: Image, quality: int) -> bytes:
    """The bytes of an RGB image's JPEG file."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return code.tobytes()


@dataclass(frozen=True, eq=False)
class Recaptured:
    """A second photograph of a face, with the truth in its own pixels.

    Attributes
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    truth : Phantom
        The scars in the second photograph's pixels; its image is the one before the camera.
    warp : Warp
        Where each point of the first picture went.
    roll_deg : float
        How far the face is turned, clockwise in the image.
    zoom : float
        Pixels per mm, relative to the first picture.
    shift_px : tuple of float
        Displacement of the picture's centre.
    exposure : Exposure
        What the camera did.
    """

    image: Image
    truth: Phantom
    warp: Warp
    roll_deg: float
    zoom: float
    shift_px: tuple[float, float]
    exposure: Exposure

    @property
    def mm_per_px(self) -> float:
        """Size of a pixel of the second photograph."""
        return self.truth.mm_per_px

    def transform_points(self, xy: Points) -> Points:
        """Points of the first picture in the second, exactly; x, y in px, shape (K, 2)."""
        return self.warp.transform_points(xy)


def recapture(
    image: Image,
    *,
    seed: int,
    mm_per_px: float,
    scars: Sequence[Scar] = (),
    light: Light | None = None,
    exposure: Exposure | None = None,
    max_roll_deg: float = 3.0,
    max_zoom: float = 0.03,
    max_shift_mm: float = 4.0,
    deformation_mm: float = 0.3,
) -> Recaptured:
    """Photograph a face without scars again, and draw the scars of that visit.

    The clean face is moved first and the scars are drawn where its skin has gone, so their areas
    are exact in the second photograph's own pixels: nothing that was drawn is resampled.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        The face without scars, RGB.
    seed : int
        The same seed gives the same photograph.
    mm_per_px : float
        Size of a pixel of `image`.
    scars : sequence of Scar, optional
        What the second visit shows, in the pixels of `image`.
    light : Light, optional
        How the relief is lit.
    exposure : Exposure, optional
        What the camera does; drawn from the seed when left out.
    max_roll_deg, max_zoom, max_shift_mm : float, optional
        Bounds of the random turn, relative magnification and shift.
    deformation_mm : float, optional
        Root mean square of the smooth deformation along each axis.

    Returns
    -------
    Recaptured
    """
    rng = np.random.default_rng(seed)
    roll_deg = float(rng.uniform(-max_roll_deg, max_roll_deg))
    zoom = float(1 + rng.uniform(-max_zoom, max_zoom))
    shift = rng.uniform(-max_shift_mm, max_shift_mm, 2) / mm_per_px
    lengths = (_WAVES_MM[0] / mm_per_px, _WAVES_MM[1] / mm_per_px)
    rows, cols = image.shape[:2]
    centre = np.array([(cols - 1) / 2, (rows - 1) / 2])
    turn = np.radians(roll_deg)
    forth = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    back = np.linalg.inv(forth)
    matrix = np.column_stack([back, centre - back @ (centre + shift)])
    warp = Warp(matrix, draw_waves(rng, deformation_mm / mm_per_px, lengths))
    moved_mm_per_px = mm_per_px / zoom
    truth = render(
        warp.warp(image, (rows, cols)),
        warp.transform_scars(scars, mm_per_px, moved_mm_per_px),
        mm_per_px=moved_mm_per_px,
        light=light,
    )
    exposure = exposure or draw_exposure(int(rng.integers(2**31)))
    return Recaptured(
        image=expose(truth.image, exposure, seed=int(rng.integers(2**31))),
        truth=truth,
        warp=warp,
        roll_deg=roll_deg,
        zoom=zoom,
        shift_px=(float(shift[0]), float(shift[1])),
        exposure=exposure,
    )
