"""The scale at a printed square marker: ArUco or AprilTag."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.opencv import cv2
from scarmetrics.photometry import luminance, require_rgb, to_uint8
from scarmetrics.scale.cutmarker import marker_at_edge
from scarmetrics.scale.edges import NoSides, refine_square
from scarmetrics.scale.plane import PlaneScale, fit_plane
from scarmetrics.scale.result import ScaleNotFound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.config import MarkerDictionary
    from scarmetrics.models import Image, Points

_COMMON_PX = 0.06  # sd by which a camera's tone curve moves all four sides outwards or inwards
_SEEN_PX = 10.0  # smaller ones cannot be told from anything else
_ENLARGED_UP_TO_PX = 16_000_000  # below, a small marker is looked for in twice the pixels
_MARGIN_CELLS = 2  # beyond the marker that its sides are looked for in
_BIT_ERRORS = 0.3  # of what the dictionary could correct: skin is full of faint squares
_BORDER_ERRORS = 0.15


def find_marker(
    image: Image,
    *,
    size_mm: float,
    dictionary: MarkerDictionary = "aruco_4x4_50",
    marker_id: int | None = None,
    max_tilt_deg: float = 50.0,
    min_size_px: float = 25.0,
    camera_distance_mm: float | None = None,
) -> PlaneScale | ScaleNotFound:
    """Find a square marker and the scale in the frontal plane through its middle.

    OpenCV finds and decodes it [1]_; its sides are then fitted to a fraction of a pixel, and from
    the corners its pose, so that a tilted marker is not taken for a distant one.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, upright.
    size_mm : float
        Edge of the black square.
    dictionary : str, optional
        Which markers, such as ``apriltag_36h11``.
    marker_id : int, optional
        Which of them; any one when left out.
    max_tilt_deg : float, optional
        Markers tilted by more are refused.
    min_size_px : float, optional
        Markers that are smaller are refused.
    camera_distance_mm : float, optional
        Distance from the camera to the face.

    Returns
    -------
    PlaneScale or ScaleNotFound
        `ScaleNotFound` is falsy and says why.

    Raises
    ------
    ValueError
        If the image is not RGB of 8 or 16 bit, or `size_mm` is not positive.

    References
    ----------
    .. [1] S. Garrido-Jurado, R. Muñoz-Salinas, F. J. Madrid-Cuevas, M. J. Marín-Jiménez,
       "Automatic generation and detection of highly reliable fiducial markers under occlusion",
       Pattern Recognit. 47(6), 2280-2292 (2014).
    """
    require_rgb(image)
    if not size_mm > 0:
        raise ValueError(f"size_mm is {size_mm}, must be positive")
    known = predefined(dictionary)
    gray = cv2.cvtColor(to_uint8(image), cv2.COLOR_RGB2GRAY)
    corners = _only_marker(gray, known, marker_id)
    if isinstance(corners, ScaleNotFound):
        return corners
    edge_px = float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).max())
    cells = known.markerSize + 2
    try:
        sides = _refined(image, corners, cells, edge_px)
    except NoSides:
        if edge_px < min_size_px:
            return _too_small(edge_px, min_size_px)
        rows, cols = gray.shape
        room = np.minimum(corners.min(axis=0), [cols - 1, rows - 1] - corners.max(axis=0)).min()
        if room < edge_px / cells:
            return ScaleNotFound("marker_cut", "the white around the marker is cut by the edge")
        return ScaleNotFound("marker_unclear")
    half = size_mm / 2
    square = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    found = fit_plane(
        square,
        sides[0],
        outline_mm=square * (1 + 2 / cells),  # with the white around it
        covariance_px2=sides[1],
        shape=gray.shape,
        camera_distance_mm=camera_distance_mm,
    )
    if found.tilt_deg > max_tilt_deg:
        return ScaleNotFound(
            "marker_tilted",
            f"the marker is tilted by {found.tilt_deg:.0f}°, at most {max_tilt_deg:g}° allowed",
        )
    if size_mm / found.mm_per_px < min_size_px:
        return _too_small(size_mm / found.mm_per_px, min_size_px)
    edge_rel_sd = 2 * _COMMON_PX * found.mm_per_px / size_mm
    return replace(found, rel_sd=float(np.hypot(found.rel_sd, edge_rel_sd)))


def predefined(dictionary: MarkerDictionary) -> Any:
    """OpenCV's dictionary of that name."""
    name = dictionary.removeprefix("aruco_").upper()
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{name}"))


def _only_marker(
    gray: NDArray[np.uint8], known: Any, marker_id: int | None
) -> Points | ScaleNotFound:
    """Corners of the one marker, clockwise from its own upper left."""
    seen, found = _detected(gray, known)
    if not seen and gray.size <= _ENLARGED_UP_TO_PX:
        large = cv2.resize(gray, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        seen, found = _detected(large, known)
        found = [(corners + 0.5) / 2 - 0.5 for corners in found]  # pixel centres at integers
    chosen = [i for i, number in enumerate(seen) if marker_id in (None, number)]
    if len(chosen) > 1:
        names = ", ".join(str(seen[i]) for i in sorted(chosen, key=lambda i: seen[i]))
        return ScaleNotFound("marker_several", f"{len(chosen)} markers were found: {names}")
    if chosen:
        return found[chosen[0]]
    if marker_at_edge(gray, known, marker_id):
        return ScaleNotFound("marker_cut")
    if seen:
        others = ", ".join(str(number) for number in sorted(set(seen)))
        detail = f"marker {marker_id} was not found, but {others}"
        return ScaleNotFound("marker_not_found", detail)
    return ScaleNotFound("marker_not_found")


def _detected(gray: NDArray[np.uint8], known: Any) -> tuple[list[int], list[Points]]:
    """Ids and corners of all markers of a dictionary."""
    detector = cv2.aruco.ArucoDetector(known, _parameters(gray))
    corners, ids, _ = detector.detectMarkers(gray)
    seen = [] if ids is None else [int(number) for number in np.ravel(ids)]
    return seen, [np.asarray(found, float).reshape(4, 2) for found in corners]


def _parameters(gray: NDArray[np.uint8]) -> Any:
    parameters = cv2.aruco.DetectorParameters()
    parameters.minMarkerPerimeterRate = 4 * _SEEN_PX / max(gray.shape)
    parameters.errorCorrectionRate = _BIT_ERRORS
    parameters.maxErroneousBitsInBorderRate = _BORDER_ERRORS
    parameters.minDistanceToBorder = 0
    return parameters


def _refined(
    image: Image, corners: Points, cells: int, edge_px: float
) -> tuple[Points, NDArray[np.float64]]:
    """Sides fitted in the part of the photograph that holds the marker."""
    margin = round(_MARGIN_CELLS * edge_px / cells) + 4
    rows, cols = image.shape[:2]
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + margin + 1, [cols, rows])
    origin = np.array([x0, y0], float)
    refined, covariance = refine_square(luminance(image[y0:y1, x0:x1]), corners - origin, cells)
    return refined + origin, covariance


def _too_small(size_px: float, least_px: float) -> ScaleNotFound:
    return ScaleNotFound(
        "marker_too_small", f"the marker is {size_px:.0f} px wide, {least_px:g} needed"
    )
