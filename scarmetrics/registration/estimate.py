"""How two photographs of the same skin are aligned: a start, then dense flow on its texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from scarmetrics.config import RegistrationConfig
from scarmetrics.face import Face, FaceNotFound, detect_face
from scarmetrics.opencv import cv2
from scarmetrics.photometry import require_rgb
from scarmetrics.registration.confidence import (
    Evidence,
    expected_error_px,
    local_correlation,
    refuse_as_mirrored,
    refuse_mirrored,
    without_specks,
)
from scarmetrics.registration.flow import (
    CELL_PX,
    Flow,
    dense_flow,
    follow,
    from_grid,
    inverse_flow,
    to_grid,
)
from scarmetrics.registration.frame import Subject, WorkImage, work_image, working_frame
from scarmetrics.registration.result import FailedRegistration, Registration
from scarmetrics.registration.start import (
    Start,
    closeup_subject,
    face_subject,
    mirrored_subject,
    start_from_keypoints,
    start_from_landmarks,
)
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask

_AGREEMENT_MM = 2.5  # window of the local correlation
_CONSISTENT_MM = 0.5  # forward and backward flow close within this on skin that is the same
_PUPILS_MM = (30.0, 120.0)  # apart at the stated scale, generous to a wrong one
_CLOSEUP_MARGIN = 0.1  # more likeness is asked for where no landmarks vouch for the place
_CLEARLY_ALIKE = 1.0  # mirror images and other people's skin stay below, blurred ones too
_CLOSEUP_MM = (10.0, 400.0)  # of the photograph's longer side; anything else is a wrong scale


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

    Faces start from their landmarks: an affine map by least median of squares [1]_ and a
    thin-plate spline. Close-ups without a face start from SIFT keypoints of the skin by MAGSAC++.
    From there a dense flow on locally normalised log luminance follows the skin, forward and
    backward (`scarmetrics.registration.flow`), smoothed over ``config.smoothing_mm``. Where the
    result for a face leaves a doubt, the follow-up's mirror image is aligned as well: it must fit
    worse.

    Parameters
    ----------
    fixed, moving : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright; sizes may differ.
    fixed_face, moving_face : Face, optional
        Their faces; detected when not given.
    mm_per_px : float, optional
        Scale of the fixed photograph, in which lengths are told; a nominal one from the pupils'
        distance when not given. Filters and limits follow the nominal one, so that a wrong scale
        makes no other skin acceptable. Close-ups cannot do without.
    config : RegistrationConfig, optional
        Resolution, smoothness and limits.

    Returns
    -------
    Registration or FailedRegistration
        `FailedRegistration` is falsy and says why.

    Raises
    ------
    ValueError
        If an image is not RGB of 8 or 16 bit, a face is not of its photograph's shape, or
        `mm_per_px` is not a positive number.

    References
    ----------
    .. [1] P. J. Rousseeuw, "Least median of squares regression", J. Am. Stat. Assoc. 79(388),
       871-880 (1984).
    """
    require_rgb(fixed)
    require_rgb(moving)
    if mm_per_px is not None and not (np.isfinite(mm_per_px) and mm_per_px > 0):
        raise ValueError(f"mm_per_px is {mm_per_px}, must be a positive number")
    for image, face in ((fixed, fixed_face), (moving, moving_face)):
        if face is not None and face.shape != image.shape[:2]:
            raise ValueError(f"a face of a photograph {face.shape} is given for {image.shape[:2]}")
    config = config or RegistrationConfig()
    faces = (fixed_face or detect_face(fixed), moving_face or detect_face(moving))
    first, second = faces
    if _is_face(first, mm_per_px) and isinstance(second, Face):  # whose scale is not known
        return _register_faces((fixed, first), (moving, second), mm_per_px, config)
    if mm_per_px is None:
        missing = second if isinstance(first, Face) else first
        assert not isinstance(missing, Face)
        return FailedRegistration(
            missing.reason_code, f"{missing.reason} (close-ups need mm_per_px to be aligned)"
        )
    return _register_closeups((fixed, first), (moving, second), mm_per_px, config)


def _register_faces(
    fixed: tuple[Image, Face],
    moving: tuple[Image, Face],
    mm_per_px: float | None,
    config: RegistrationConfig,
) -> Registration | FailedRegistration:
    nominal = NOMINAL_INTERPUPILLARY_MM / fixed[1].interpupillary_px
    frame = _frame(face_subject(*fixed), mm_per_px or nominal, nominal, config)
    subject = face_subject(*moving)
    found = _from_landmarks(frame, subject, config, mirrored=False)
    refused = _refuse_unlike(found, config.min_likeness)
    if refused is not None or not isinstance(found, Registration):
        assert refused is not None
        return _as_mirror_image(found, refused, frame, subject, config)
    if found.likeness < _CLEARLY_ALIKE:
        # however little of it can be believed, the mirror image has a likeness to be compared
        lenient = config.model_copy(update={"min_registered_fraction": 0.0})
        mirrored = _from_landmarks(frame, mirrored_subject(subject), lenient, mirrored=True)
        if isinstance(mirrored, Registration):
            refused = refuse_mirrored(found.likeness, mirrored.likeness)
            return found if refused is None else refused
    return found


def _as_mirror_image(
    found: Registration | FailedRegistration,
    refused: FailedRegistration,
    frame: _Frame,
    subject: Subject,
    config: RegistrationConfig,
) -> FailedRegistration:
    """What is refused because its skin differs, with the reason if it is only mirrored."""
    if not refused.skin_differs:
        return refused
    mirrored = _from_landmarks(frame, mirrored_subject(subject), config, mirrored=True)
    if not isinstance(mirrored, Registration):
        return refused
    likeness = found.likeness if isinstance(found, Registration) else 0.0
    conflict = refuse_as_mirrored(mirrored.likeness, likeness, config.min_likeness)
    return refused if conflict is None else conflict


def _register_closeups(
    fixed: tuple[Image, Face | FaceNotFound],
    moving: tuple[Image, Face | FaceNotFound],
    mm_per_px: float,
    config: RegistrationConfig,
) -> Registration | FailedRegistration:
    """Without landmarks the keypoints' agreement is what tells a mirror image."""
    subjects = [
        face_subject(image, face) if _is_face(face, mm_per_px) else closeup_subject(image)
        for image, face in (fixed, moving)
    ]
    if not all(subject.skin.any() for subject in subjects):
        return FailedRegistration("registration_no_texture")
    x0, y0, x1, y1 = subjects[0].box
    side_mm = mm_per_px * max(x1 - x0, y1 - y0)
    if not _CLOSEUP_MM[0] <= side_mm <= _CLOSEUP_MM[1]:
        return FailedRegistration(
            "scale_implausible", f"at {mm_per_px:g} mm per px the close-up spans {side_mm:.3g} mm"
        )
    frame = _frame(subjects[0], mm_per_px, mm_per_px, config)
    start = start_from_keypoints(
        frame.subject, subjects[1], frame.to_work, frame.size, (mm_per_px, frame.work_mm)
    )
    if start is None:
        return FailedRegistration(
            "registration_disagrees", "too few keypoints of the skin match in the two photographs"
        )
    found = _align(frame, subjects[1], start, config)
    refused = _refuse_unlike(found, config.min_likeness + _CLOSEUP_MARGIN)
    return found if refused is None else refused  # a failure is falsy


def _is_face(face: Face | FaceNotFound, mm_per_px: float | None) -> TypeGuard[Face]:
    """Whether a face is one: in close-ups faces of a few cm are seen where none is."""
    if not isinstance(face, Face) or mm_per_px is None:
        return isinstance(face, Face)
    return _PUPILS_MM[0] <= face.interpupillary_px * mm_per_px <= _PUPILS_MM[1]


@dataclass(frozen=True, eq=False)
class _Frame:
    """The fixed photograph in the working frame."""

    subject: Subject
    mm_per_px: float
    nominal_mm_per_px: float
    to_work: NDArray[np.float64]
    size: tuple[int, int]
    work_mm: float
    image: WorkImage


def _frame(
    subject: Subject, mm_per_px: float, nominal_mm_per_px: float, config: RegistrationConfig
) -> _Frame:
    """The frame at the nominal scale, so that a wrong one changes no filter and no limit."""
    zoom = min(1.0, nominal_mm_per_px / config.working_mm_per_px)
    to_work, size = working_frame(subject.box, zoom)
    work_mm = nominal_mm_per_px / zoom
    return _Frame(
        subject=subject,
        mm_per_px=mm_per_px,
        nominal_mm_per_px=nominal_mm_per_px,
        to_work=to_work,
        size=size,
        work_mm=work_mm,
        image=work_image(subject, to_work, size, work_mm),
    )


def _from_landmarks(
    frame: _Frame, moving: Subject, config: RegistrationConfig, *, mirrored: bool
) -> Registration | FailedRegistration:
    start = start_from_landmarks(
        frame.subject, moving, frame.to_work, frame.size, mirrored=mirrored
    )
    if start is None:
        return FailedRegistration("registration_disagrees", "the faces' landmarks do not match")
    return _align(frame, moving, start, config)


def _align(
    frame: _Frame, moving: Subject, start: Start, config: RegistrationConfig
) -> Registration | FailedRegistration:
    """Dense flow both ways from a start, and how far it may be believed."""
    moving_to_work = cv2.invertAffineTransform(start.work_to_moving)
    a, b = frame.image, work_image(moving, moving_to_work, frame.size, frame.work_mm)
    if not (a.has_texture and b.has_texture):
        return FailedRegistration("registration_no_texture")
    smoothing_px = config.smoothing_mm / frame.work_mm
    least_px = config.min_registered_fraction * max(1, int(a.skin.sum()))
    skin = a.skin & _carried(b, start.flow)
    if skin.sum() < least_px:
        return FailedRegistration("registration_no_overlap")
    forward = dense_flow(a, b, start.flow, skin, smoothing_px)
    backward = dense_flow(
        b, a, start.inverse_flow, b.skin & _carried(a, start.inverse_flow), smoothing_px
    )
    common = a.skin & _carried(b, forward.field)
    evidence = _evidence(a, b, (forward, backward), common, frame.work_mm)
    sure = common & (evidence.error_mm <= config.max_error_mm)
    believed = without_specks(sure, a.skin, smoothing_px)
    if believed.sum() < least_px:
        share = 100 * believed.sum() / max(1, int(a.skin.sum()))
        return FailedRegistration(
            "registration_disagrees",
            f"only {share:.0f} % of the skin could be aligned",
            skin_differs=True,
        )
    return Registration(
        fixed_shape=_shape(frame.subject),
        moving_shape=_shape(moving),
        fixed_to_work=frame.to_work,
        work_to_moving=start.work_to_moving,
        flow=forward.field,
        inverse_flow=inverse_flow(forward.field, backward.field),
        error_mm=evidence.error_mm * np.float32(frame.mm_per_px / frame.nominal_mm_per_px),
        believed=believed,
        texture_agreement=evidence.coarse_agreement,
        likeness=evidence.likeness,
        mm_per_px=frame.mm_per_px,
    )


def _evidence(
    a: WorkImage, b: WorkImage, flows: tuple[Flow, Flow], common: Mask, work_mm: float
) -> Evidence:
    """What the two flows and the aligned textures say about the map."""
    forward, backward = flows
    closing = to_grid(forward.field + follow(backward.field, forward.field))
    inconsistency_px = np.hypot(closing[..., 0], closing[..., 1])
    sigma = _AGREEMENT_MM / work_mm / CELL_PX
    coarse, fine = (
        local_correlation(mine, follow(other, forward.field), common, sigma)
        for mine, other in ((a.coarse, b.coarse), (a.fine, b.fine))
    )
    error_px = expected_error_px(inconsistency_px, forward.unrest_px, fine)
    skin = to_grid(common.astype(np.float32)) > 0.5
    asked = max(1, int((to_grid(a.skin.astype(np.float32)) > 0.5).sum()))
    consistent = skin & (inconsistency_px * work_mm <= _CONSISTENT_MM)
    return Evidence(
        error_mm=from_grid(error_px * np.float32(work_mm), a.shape),
        coarse_agreement=float(np.median(coarse[skin])) if skin.any() else 0.0,
        consistent_share=float(consistent.sum() / asked),
    )


def _carried(other: WorkImage, flow: FloatImage) -> Mask:
    """The other picture's skin in this one's place."""
    return np.asarray(follow(other.skin.astype(np.float32), flow) > 0.5, bool)


def _shape(subject: Subject) -> tuple[int, int]:
    rows, cols = subject.image.shape[:2]
    return rows, cols


def _refuse_unlike(
    found: Registration | FailedRegistration, least: float
) -> FailedRegistration | None:
    if not isinstance(found, Registration):
        return found
    if found.likeness >= least:
        return None
    return FailedRegistration(
        "registration_disagrees",
        f"after alignment the skin textures agree by {found.texture_agreement:.2f}; likeness "
        f"{found.likeness:.2f}, {least:g} needed",
        skin_differs=True,
    )
