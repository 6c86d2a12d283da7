"""A face in a photograph, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from scarmetrics.config import FaceConfig
from scarmetrics.face.detector import detect_boxes
from scarmetrics.face.landmarks import fit_landmarks
from scarmetrics.face.mesh import head_pose_deg, mesh_triangles, posed_face
from scarmetrics.face.parts import region_labels
from scarmetrics.face.regions import (
    LEFT_PUPIL,
    MIDLINE,
    RIGHT_PUPIL,
    feature_mask,
    outline_mask,
    side_mask,
)
from scarmetrics.face.surface import Surface, mesh_surface
from scarmetrics.models import Failure, Image, Mask, Side
from scarmetrics.photometry import require_rgb, to_uint8
from scarmetrics.units import NOMINAL_INTERPUPILLARY_MM

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ONE_SIDED_YAW_DEG = 25.0
_SURE_PRESENCE = 0.9
_MIN_INTERPUPILLARY_PX = 20.0
_MAX_OUTSIDE = 0.15
_SECOND_FACE = 0.3


class FaceNotFound(Failure):
    """No usable face in the photograph; falsy, carries the reason."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face and its skin.

    Attributes
    ----------
    landmarks : ndarray of float64, shape (478, 3)
        x, y in px with pixel centres at integers, z in the same unit away from the camera.
    presence : float
        Probability that this is a face.
    yaw_deg, pitch_deg, roll_deg : float
        Head pose. Yaw is positive when the anatomical left side is turned to the camera, pitch
        when the face looks up, roll when it is turned clockwise in the image.
    shape : tuple of int
        (M, N) of the photograph.
    flags : tuple of str
        Names from `scarmetrics.flags.FLAGS`.
    config : FaceConfig
        Margins of the skin mask; what is known of the camera.
    cropped_from : tuple of Face, tuple of int and int, or None
        The face in the whole photograph, the part of it that this one is in, and the binning.
    """

    landmarks: NDArray[np.float64]
    presence: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    shape: tuple[int, int]
    flags: tuple[str, ...]
    config: FaceConfig
    cropped_from: tuple[Face, tuple[int, int, int, int], int] | None = None

    @property
    def side_visible(self) -> Literal["left", "right", "both"]:
        """The anatomical side that the photograph shows; 'both' up to 25° of yaw."""
        if abs(self.yaw_deg) <= _ONE_SIDED_YAW_DEG:
            return "both"
        return "left" if self.yaw_deg > 0 else "right"

    @property
    def midline(self) -> NDArray[np.float64]:
        """Points (x, y) in px from the hairline over the nose to the chin, shape (28, 2)."""
        return self.landmarks[list(MIDLINE), :2]

    @property
    def interpupillary_px(self) -> float:
        """Distance between the pupils in space, so that yaw does not shorten it."""
        return float(np.linalg.norm(self.landmarks[LEFT_PUPIL] - self.landmarks[RIGHT_PUPIL]))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Landmarks' bounding box (x0, y0, x1, y1) in px, cut at the image's edge, x1 exclusive."""
        x0, y0 = np.floor(self.landmarks[:, :2].min(axis=0)).astype(int)
        x1, y1 = np.ceil(self.landmarks[:, :2].max(axis=0)).astype(int) + 1
        rows, cols = self.shape
        return (
            int(np.clip(x0, 0, cols)),
            int(np.clip(y0, 0, rows)),
            int(np.clip(x1, 0, cols)),
            int(np.clip(y1, 0, rows)),
        )

    @cached_property
    def face_mask(self) -> Mask:
        """Inside of the face outline less its margin, features included; shape (M, N)."""
        margin_px = self.config.outline_margin * self.interpupillary_px
        return outline_mask(self.landmarks, self.shape, margin_px)

    @cached_property
    def _skin(self) -> Mask:
        margin_px = self.config.feature_margin * self.interpupillary_px
        return self.face_mask & ~feature_mask(self.landmarks, self.shape, margin_px)

    def skin_mask(self, side: Side) -> Mask:
        """Skin of one side inside the face outline, without eyes, brows, lips and nostrils.

        Parameters
        ----------
        side : {'left', 'right'}
            Anatomical side. In a frontal photograph the left side is on the viewer's right.

        Returns
        -------
        ndarray of bool, shape (M, N)
        """
        return self._skin & side_mask(self.landmarks, self.shape, side)

    def regions(self, side: Side) -> NDArray[np.uint8]:
        """Named regions of one side's skin; every pixel of the skin lies in exactly one.

        Parameters
        ----------
        side : {'left', 'right'}
            Anatomical side.

        Returns
        -------
        ndarray of uint8, shape (M, N)
            0 off the skin, else 1 + the region's place in `scarmetrics.face.REGIONS`: forehead,
            temple, cheek, nose, perioral, chin, jaw.
        """
        return region_labels(self.landmarks, self.skin_mask(side))

    def surface(self, mm_per_px: float | None = None) -> Surface:
        """Tilt and distance of the skin behind each pixel.

        The landmark model's metric face is posed so that it best covers the landmarks in the image.

        Parameters
        ----------
        mm_per_px : float, optional
            Scale at the eyes' depth. It matters only with ``camera_distance_mm`` in the config;
            without it the pupils are taken to be 63 mm apart.

        Returns
        -------
        Surface
        """
        if self.cropped_from is not None:
            whole, box, binning = self.cropped_from
            scale = None if mm_per_px is None else mm_per_px / binning
            return whole.surface(scale).cropped(box, binning)
        distance_mm = self.config.camera_distance_mm
        if distance_mm is None:
            return self._parallel_surface
        scale = mm_per_px or NOMINAL_INTERPUPILLARY_MM / self.interpupillary_px
        return self._surface(distance_mm / scale)

    @cached_property
    def _parallel_surface(self) -> Surface:
        return self._surface(None)

    def _surface(self, focal_px: float | None) -> Surface:
        rows, cols = self.shape
        centre_px = ((cols - 1) / 2, (rows - 1) / 2)
        vertices = posed_face(self.landmarks, centre_px, focal_px)
        return mesh_surface(vertices, mesh_triangles(), self.shape, focal_px=focal_px)

    def cropped(self, box: tuple[int, int, int, int], binning: int = 1) -> Face:
        """The same face in a part of the photograph.

        Parameters
        ----------
        box : tuple of int
            The part (x0, y0, x1, y1) in px, the last two exclusive.
        binning : int, optional
            Side, in px, of the squares that are averaged to one; divides the part's sides.

        Returns
        -------
        Face
            Its landmarks, and all that follows from them, count from the part's corner.
        """
        x0, y0, x1, y1 = box
        centre = (binning - 1) / 2  # of a square's pixels
        corner = np.array([x0 + centre, y0 + centre, 0.0])
        return replace(
            self,
            landmarks=(self.landmarks - corner) / binning,
            shape=((y1 - y0) // binning, (x1 - x0) // binning),
            cropped_from=(self, box, binning),
        )

    def surface_factor(self, mm_per_px: float | None = None) -> NDArray[np.float32]:
        """True skin area per projected area at each pixel.

        Without perspective it is 1 over the cosine of the skin's tilt. With ``camera_distance_mm``
        in the config it also holds that skin farther away than the eyes appears smaller, so that it
        can be below 1. Beyond the face the value of its nearest point is continued; the tilt is cut
        at 80°.

        Parameters
        ----------
        mm_per_px : float, optional
            As for `surface`.

        Returns
        -------
        ndarray of float32, shape (M, N)
        """
        return self.surface(mm_per_px).factor()


def detect_face(image: Image, *, config: FaceConfig | None = None) -> Face | FaceNotFound:
    """Find the largest face in a photograph.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright.
    config : FaceConfig, optional
        Confidence threshold and margins.

    Returns
    -------
    Face or FaceNotFound
        `FaceNotFound` is falsy and says why.

    Raises
    ------
    ValueError
        If the image is not RGB of 8 or 16 bit.

    Examples
    --------
    >>> import numpy as np
    >>> import scarmetrics as sm
    >>> face = sm.detect_face(np.zeros((300, 300, 3), np.uint8))
    >>> bool(face), face.reason_code
    (False, 'face_not_found')
    """
    require_rgb(image)
    config = config or FaceConfig()
    small = to_uint8(image)
    boxes = detect_boxes(small)
    if not boxes:
        return FaceNotFound("face_not_found")
    landmarks, presence = fit_landmarks(small, boxes[0])
    if presence < config.min_presence:
        return FaceNotFound(
            "face_not_found",
            f"the best candidate for a face is uncertain ({presence:.2f} of 1, "
            f"{config.min_presence:g} needed)",
        )
    yaw, pitch, roll = head_pose_deg(landmarks)
    rows, cols = image.shape[:2]
    face = Face(
        landmarks=landmarks,
        presence=presence,
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        shape=(rows, cols),
        flags=_flags(presence, [box.size_px for box in boxes]),
        config=config,
    )
    refused = _refuse_unusable(face)  # falsy: compare with None
    return face if refused is None else refused


def _flags(presence: float, sizes_px: list[float]) -> tuple[str, ...]:
    flags = []
    if presence < _SURE_PRESENCE:
        flags.append("low_face_presence")
    if len(sizes_px) > 1 and sizes_px[1] > _SECOND_FACE * sizes_px[0]:
        flags.append("several_faces")
    return tuple(flags)


def _refuse_unusable(face: Face) -> FaceNotFound | None:
    if face.interpupillary_px < _MIN_INTERPUPILLARY_PX:
        return FaceNotFound(
            "face_not_found",
            f"the face is too small: {face.interpupillary_px:.0f} px between the pupils, "
            f"{_MIN_INTERPUPILLARY_PX:.0f} needed",
        )
    rows, cols = face.shape
    x, y = face.landmarks[:, 0], face.landmarks[:, 1]
    outside = float(np.mean((x < 0) | (y < 0) | (x > cols - 1) | (y > rows - 1)))
    if outside > _MAX_OUTSIDE:
        return FaceNotFound(
            "face_partial", f"{100 * outside:.0f} % of the face lies outside the photograph"
        )
    return None
