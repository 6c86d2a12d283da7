"""How two photographs of one face are aligned: landmarks, then dense flow on skin texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.morphology import remove_small_holes, remove_small_objects

from scarmetrics.config import RegistrationConfig
from scarmetrics.face import Face, detect_face
from scarmetrics.face.mesh import N_MESH, mirror_order
from scarmetrics.opencv import cv2
from scarmetrics.photometry import blur, require_rgb
from scarmetrics.registration.frame import (
    WorkImage,
    landmark_affine,
    landmark_flow,
    local_correlation,
    work_image,
    working_frame,
)
from scarmetrics.registration.result import FailedRegistration, Registration, apply_affine
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask, Points

_AGREEMENT_MM = 2.5  # window of the local correlation
_GRAY_PER_SD = 40  # gray levels per local standard deviation, for the 8-bit flow
_INVERSE_STEPS = 6
_CLEARLY_ALIKE = 1.25  # mirror images and other people's skin stay below this
_MIRROR_MARGIN = 0.1
_HOLE_LENGTHS = 3.0  # holes up to this many smoothing lengths wide are filled


def register(
    fixed: Image,
    moving: Image,
    *,
    fixed_face: Face | None = None,
    moving_face: Face | None = None,
    mm_per_px: float | None = None,
    config: RegistrationConfig | None = None,
) -> Registration | FailedRegistration:
    """Align a follow-up photograph (moving) to the baseline (fixed).

    An affine map is fitted to the face landmarks by least median of squares [1]_; dense inverse
    search flow [2]_ on locally normalised log luminance follows the skin from there, forward and
    backward. The flow is smoothed over ``config.smoothing_mm``. Where the result leaves a doubt,
    the follow-up's mirror image is aligned as well: it must fit worse.

    Parameters
    ----------
    fixed, moving : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright; sizes may differ.
    fixed_face, moving_face : Face, optional
        Their faces; detected when not given.
    mm_per_px : float, optional
        Scale of the fixed photograph. A nominal one from the pupils' distance when not given; it
        sets filter sizes only.
    config : RegistrationConfig, optional
        Resolution, smoothness and limits.

    Returns
    -------
    Registration or FailedRegistration
        `FailedRegistration` is falsy and says why.

    Raises
    ------
    ValueError
        If an image is not RGB of 8 or 16 bit, or `mm_per_px` is not a positive number.

    References
    ----------
    .. [1] P. J. Rousseeuw, "Least median of squares regression", J. Am. Stat. Assoc. 79(388),
       871-880 (1984).
    .. [2] T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast optical flow using dense inverse
       search", ECCV (2016).
    """
    require_rgb(fixed)
    require_rgb(moving)
    if mm_per_px is not None and not (np.isfinite(mm_per_px) and mm_per_px > 0):
        raise ValueError(f"mm_per_px is {mm_per_px}, must be a positive number")
    config = config or RegistrationConfig()
    first = fixed_face or detect_face(fixed)
    if not isinstance(first, Face):
        return FailedRegistration(first.reason_code, first.reason)
    second = moving_face or detect_face(moving)
    if not isinstance(second, Face):
        return FailedRegistration(second.reason_code, second.reason)
    frame = _frame(fixed, first, mm_per_px, config)
    found = _align(frame, moving, second, config, mirrored=False)
    if not isinstance(found, Registration):
        return found
    likeness = _likeness(found, frame)
    if likeness < config.min_likeness:
        return FailedRegistration(
            "registration_disagrees",
            f"after alignment the skin textures agree by {found.texture_agreement:.2f} on "
            f"{100 * _share(found, frame):.0f} % of the skin; likeness {likeness:.2f}, "
            f"{config.min_likeness:g} needed",
        )
    if likeness < _CLEARLY_ALIKE:
        mirrored = _align(frame, moving, second, config, mirrored=True)
        if isinstance(mirrored, Registration):
            refused = _refuse_mirrored(likeness, _likeness(mirrored, frame))
            return found if refused is None else refused
    return found


@dataclass(frozen=True, eq=False)
class _Frame:
    """The fixed photograph in the working frame."""

    shape: tuple[int, int]
    landmarks: Points
    to_work: NDArray[np.float64]
    size: tuple[int, int]
    work_mm: float
    image: WorkImage


def _frame(fixed: Image, face: Face, mm_per_px: float | None, config: RegistrationConfig) -> _Frame:
    scale_mm = mm_per_px or NOMINAL_INTERPUPILLARY_MM / face.interpupillary_px
    zoom = min(1.0, scale_mm / config.working_mm_per_px)
    to_work, size = working_frame(face, zoom)
    rows, cols = fixed.shape[:2]
    return _Frame(
        shape=(rows, cols),
        landmarks=face.landmarks[:N_MESH, :2],
        to_work=to_work,
        size=size,
        work_mm=scale_mm / zoom,
        image=work_image(fixed, face, to_work, size, scale_mm / zoom),
    )


def _align(
    frame: _Frame, moving: Image, face: Face, config: RegistrationConfig, *, mirrored: bool
) -> Registration | FailedRegistration:
    """Align a moving photograph as it is, or as its mirror image."""
    order = mirror_order() if mirrored else np.arange(N_MESH)
    landmarks = face.landmarks[order, :2]
    affine = landmark_affine(frame.landmarks, landmarks, mirrored=mirrored)
    if affine is None:
        return FailedRegistration("registration_disagrees", "the faces' landmarks do not match")
    work_to_moving = _compose(affine, cv2.invertAffineTransform(frame.to_work))
    moving_to_work = cv2.invertAffineTransform(work_to_moving)
    a, b = frame.image, work_image(moving, face, moving_to_work, frame.size, frame.work_mm)
    if not (a.has_texture and b.has_texture):
        return FailedRegistration("registration_no_texture")
    points_a = apply_affine(frame.to_work, frame.landmarks)
    points_b = apply_affine(moving_to_work, landmarks)
    flow, inverse_flow, inconsistency = _flows(
        a,
        b,
        landmark_flow(points_a, points_b, frame.size),
        landmark_flow(points_b, points_a, frame.size),
        config.smoothing_mm / frame.work_mm,
    )
    common = a.skin & (_follow(b.skin.astype(np.float32), flow) > 0.5)
    believed = _without_specks(
        common & (inconsistency * frame.work_mm <= config.max_inconsistency_mm),
        config.smoothing_mm / frame.work_mm,
    )
    if believed.sum() < config.min_registered_fraction * max(1, int(a.skin.sum())):
        return FailedRegistration("registration_no_overlap")
    agreement = local_correlation(
        a.texture, _follow(b.texture, flow), common, _AGREEMENT_MM / frame.work_mm
    )
    rows, cols = moving.shape[:2]
    return Registration(
        fixed_shape=frame.shape,
        moving_shape=(rows, cols),
        fixed_to_work=frame.to_work,
        work_to_moving=work_to_moving,
        flow=flow,
        inverse_flow=inverse_flow,
        inconsistency=inconsistency,
        believed=believed,
        texture_agreement=float(np.median(agreement[common])),
    )


def _share(found: Registration, frame: _Frame) -> float:
    """Share of the fixed face's skin that was aligned."""
    return float(found.believed.sum() / max(1, int(frame.image.skin.sum())))


def _likeness(found: Registration, frame: _Frame) -> float:
    """How much two photographs look like the same skin, up to 2.

    Dense flow makes any two skins agree somewhat in texture, and some flows consistent; only the
    same skin does both over most of the face.
    """
    return found.texture_agreement + _share(found, frame)


def _refuse_mirrored(likeness: float, mirrored: float) -> FailedRegistration | None:
    """Refuse what looks no more like the skin than like its mirror image.

    The mirror image has the same light, blur and features, so its likeness is what flow can do
    for skin that is not the same.
    """
    if mirrored - likeness > _MIRROR_MARGIN:
        return FailedRegistration("laterality_conflict")
    if likeness - mirrored < _MIRROR_MARGIN:
        return FailedRegistration(
            "registration_disagrees",
            f"the follow-up looks like the baseline ({likeness:.2f}) hardly more than its mirror "
            f"image does ({mirrored:.2f})",
        )
    return None


def _flows(
    a: WorkImage,
    b: WorkImage,
    start: FloatImage,
    inverse_start: FloatImage,
    smoothing_px: float,
) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Smooth flow from a to b, its inverse on the grid, and the two estimates' disagreement."""
    gray_a, gray_b = _as_gray(a.texture), _as_gray(b.texture)
    forward = _smooth(_dis_flow(gray_a, gray_b, start), smoothing_px)
    backward = _smooth(_dis_flow(gray_b, gray_a, inverse_start), smoothing_px)
    closing = forward + _follow(backward, forward)
    inconsistency = np.hypot(closing[..., 0], closing[..., 1]).astype(np.float32)
    inverse = backward
    for _ in range(_INVERSE_STEPS):
        inverse = -_follow(forward, inverse)
    return forward, inverse, inconsistency


def _without_specks(believed: Mask, length_px: float) -> Mask:
    """Fill small holes and drop islands narrower than the smoothing length.

    The flow there is carried by its surroundings; a hole would leave out just the skin that
    changed most, such as a scar that healed.
    """
    filled = remove_small_holes(believed, max_size=int((_HOLE_LENGTHS * length_px) ** 2))
    return np.asarray(remove_small_objects(filled, max_size=int(length_px**2)), bool)


def _compose(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine map that applies `inner`, then `outer`."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack([linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def _as_gray(texture: FloatImage) -> NDArray[np.uint8]:
    return np.clip(128 + _GRAY_PER_SD * texture, 0, 255).astype(np.uint8)


def _dis_flow(first: NDArray[np.uint8], second: NDArray[np.uint8], start: FloatImage) -> FloatImage:
    """Flow on top of a start: the second image is brought to the first, the rest is small."""
    solver = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    solver.setFinestScale(0)
    rest = np.asarray(solver.calc(first, _follow(second, start), None), np.float32)
    return rest + _follow(start, rest)


def _smooth(flow: FloatImage, length_px: float) -> FloatImage:
    """Gaussian smoothing whose full width at half maximum is the given length."""
    sigma = max(length_px / 2.3548, 0.3)
    return np.dstack([blur(np.ascontiguousarray(flow[..., i]), sigma) for i in range(2)])


def _follow(values: NDArray[Any], flow: FloatImage) -> NDArray[Any]:
    """Values read where the flow leads."""
    rows, cols = flow.shape[:2]
    x, y = np.meshgrid(np.arange(cols, dtype=np.float32), np.arange(rows, dtype=np.float32))
    return cv2.remap(
        values,
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
