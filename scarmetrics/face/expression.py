"""How differently two photographs show a face: turned, or with another expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scarmetrics.face.mesh import N_MESH, head_rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.face.face import Face

_EYE_CORNERS = [33, 133, 362, 263]
_INNER_LIPS = (13, 14)
_MOUTH_CORNERS = (61, 291)
_CHEEKS = [50, 280]


class Expression(NamedTuple):
    """Measures of an expression, in distances between the pupils.

    Attributes
    ----------
    mouth_opening : float
        Between the lips.
    mouth_width : float
        Between the corners of the mouth.
    cheek_height : float
        Of the cheeks relative to the corners of the eyes; a smile raises it.
    """

    mouth_opening: float
    mouth_width: float
    cheek_height: float


def face_expression(face: Face) -> Expression:
    """Expression of a face, whatever its size and pose."""
    seen = face.landmarks[:N_MESH] * np.array([1.0, -1.0, -1.0])
    upright = (seen - seen[_EYE_CORNERS].mean(axis=0)) @ head_rotation(face.landmarks)
    upright /= face.interpupillary_px

    def apart(ends: tuple[int, int]) -> float:
        return float(np.linalg.norm(upright[ends[0]] - upright[ends[1]]))

    return Expression(apart(_INNER_LIPS), apart(_MOUTH_CORNERS), float(upright[_CHEEKS, 1].mean()))


def expression_difference(first: Face, second: Face) -> float:
    """Largest difference of any measure of the expressions, in distances between the pupils."""
    pairs = zip(face_expression(first), face_expression(second), strict=True)
    return max(abs(one - two) for one, two in pairs)


def pose_difference_deg(first: Face, second: Face) -> float:
    """Angle between the directions in which two heads look; roll in the picture is none."""
    cosine = float(_ahead(first) @ _ahead(second))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _ahead(face: Face) -> NDArray[np.float64]:
    yaw, pitch = np.radians([face.yaw_deg, face.pitch_deg])
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
