"""Illumination and colour, brought to where two visits compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Image, Mask

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of linear R, G and B (sRGB, IEC 61966-2-1)."""

_PLANE_SIGMA_CELLS = 4.0  # the window's sigma on the reduced grid
_PLANE_RIDGE = 0.05  # in units of the window's variance; holds the plane down in thin slivers
_COLOUR_CELLS = 256  # colour is judged on a picture of this size
_LIT = (20, 250)  # of 255, lightness L*
_CHROMA_OFF = 18.0  # CIELAB; flushed or pale skin lies within
_DARKEST = 1 / 512  # below this, log luminance says nothing but sensor noise


def require_rgb(image: Image) -> None:
    """Raise ValueError for anything but RGB of 8 or 16 bit, shape (M, N, 3)."""
    known = image.dtype in (np.uint8, np.uint16)
    if not known or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            f"image has shape {image.shape} and type {image.dtype}, must be (M, N, 3) "
            "RGB of uint8 or uint16, and not empty"
        )


def to_uint8(image: Image) -> NDArray[np.uint8]:
    """An image in 8 bit per channel, shape kept; 8-bit input is returned as it is."""
    if image.dtype == np.uint8:
        return np.asarray(image, np.uint8)
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def srgb_to_linear(levels: int) -> NDArray[np.float32]:
    """Linear light for each code value of an sRGB channel (IEC 61966-2-1)."""
    value = np.linspace(0, 1, levels)
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def luminance(image: Image) -> FloatImage:
    """Relative luminance of an sRGB image.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.

    Returns
    -------
    ndarray of float32, shape (M, N)
        0 to 1, linear in light.

    References
    ----------
    IEC 61966-2-1:1999 (sRGB).
    """
    table = srgb_to_linear(np.iinfo(image.dtype).max + 1)
    result = np.zeros(image.shape[:2], np.float32)
    for channel, weight in enumerate(LUMINANCE):
        result += weight * table[image[..., channel]]
    return result


def log_luminance(image: Image, size: tuple[int, int] | None = None) -> FloatImage:
    """Natural logarithm of luminance: a change of light or exposure becomes an offset.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, sRGB encoded.
    size : tuple of int, optional
        (width, height) to reduce to, by averaging light and not code values.

    Returns
    -------
    ndarray of float32, shape (M, N) or (height, width)
    """
    light = luminance(image)
    if size is not None and size != light.shape[::-1]:
        light = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
    return np.log(np.maximum(light, _DARKEST))


def masked_blur(image: FloatImage, mask: Mask, sigma_px: float) -> FloatImage:
    """Gaussian mean over the mask only (normalised convolution [1]_).

    Parameters
    ----------
    image : ndarray of float32, shape (M, N)
        Values.
    mask : ndarray of bool, shape (M, N)
        Where values count.
    sigma_px : float
        Standard deviation of the Gaussian.

    Returns
    -------
    ndarray of float32, shape (M, N)
        Zero where no part of the mask is near.

    References
    ----------
    .. [1] H. Knutsson and C.-F. Westin, "Normalized and differential convolution",
       Proc. CVPR, 515-523 (1993).
    """
    weight = mask.astype(np.float32)
    total = blur(image * weight, sigma_px)
    return np.asarray(total / np.maximum(blur(weight, sigma_px), 1e-6), np.float32)


def masked_plane(image: FloatImage, mask: Mask, sigma_px: float) -> FloatImage:
    """Local plane through the mask's values, read at each pixel.

    Where the window is cut by the mask's border, a weighted mean is biased by any gradient; a
    plane fitted with the same Gaussian weights (first-order normalised convolution [1]_) is not.

    Parameters
    ----------
    image : ndarray of float32, shape (M, N)
        Values.
    mask : ndarray of bool, shape (M, N)
        Where values count.
    sigma_px : float
        Standard deviation of the Gaussian window.

    Returns
    -------
    ndarray of float32, shape (M, N)
        Meaningful on the mask and near it.

    References
    ----------
    .. [1] H. Knutsson and C.-F. Westin, "Normalized and differential convolution",
       Proc. CVPR, 515-523 (1993).
    """
    rows, cols = image.shape
    reduction = max(1, int(sigma_px / _PLANE_SIGMA_CELLS))
    size = (max(1, cols // reduction), max(1, rows // reduction))
    weight = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    values = cv2.resize(np.where(mask, image, 0), size, interpolation=cv2.INTER_AREA)
    sigma = sigma_px / reduction

    def mean(moment: NDArray[Any]) -> NDArray[np.float64]:
        return cv2.GaussianBlur(moment, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)

    w, wz = weight.astype(np.float64), values.astype(np.float64)
    x = np.arange(size[0], dtype=np.float64)[None, :] / sigma
    y = np.arange(size[1], dtype=np.float64)[:, None] / sigma
    total = np.maximum(mean(w), 1e-9)
    mx, my, mz = (mean(moment) / total for moment in (w * x, w * y, wz))
    xx = mean(w * x * x) / total - mx * mx + _PLANE_RIDGE
    yy = mean(w * y * y) / total - my * my + _PLANE_RIDGE
    xy = mean(w * x * y) / total - mx * my
    xz, yz = mean(wz * x) / total - mx * mz, mean(wz * y) / total - my * mz
    determinant = xx * yy - xy * xy
    slope_x, slope_y = (xz * yy - yz * xy) / determinant, (yz * xx - xz * xy) / determinant
    plane = (mz + slope_x * (x - mx) + slope_y * (y - my)).astype(np.float32)
    return cv2.resize(plane, (cols, rows), interpolation=cv2.INTER_LINEAR)


def blur(image: FloatImage, sigma_px: float) -> FloatImage:
    """Gaussian blur with mirrored borders; large sigmas are computed on a reduced image."""
    reduction = max(1, int(sigma_px / 6))
    if reduction == 1:
        return cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101)
    rows, cols = image.shape
    small = cv2.resize(
        image,
        (max(1, cols // reduction), max(1, rows // reduction)),
        interpolation=cv2.INTER_AREA,
    )
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / reduction, borderType=cv2.BORDER_REFLECT_101)
    return cv2.resize(small, (cols, rows), interpolation=cv2.INTER_LINEAR)


def lit_skin(image: Image, skin: Mask, cell_px: float, darkest: float) -> Mask:
    """Skin that is not covered by hair or deep shadow.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB.
    skin : ndarray of bool, shape (M, N)
        What anatomy calls skin.
    cell_px : float
        Side of the squares over which luminance is averaged; much wider than a scar is dark.
    darkest : float
        Squares below this share of the skin's median luminance are left out.

    Returns
    -------
    ndarray of bool, shape (M, N)
        A part of `skin`.
    """
    if not skin.any():
        return skin
    rows, cols = np.flatnonzero(skin.any(axis=1)), np.flatnonzero(skin.any(axis=0))
    window = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    part = skin[window]
    height, width = part.shape
    size = (max(1, round(width / cell_px)), max(1, round(height / cell_px)))
    # the mean of encoded values is near enough to the encoded mean for a threshold
    cells = luminance(cv2.resize(image[window], size, interpolation=cv2.INTER_AREA))
    share = cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    typical = float(np.median(cells[share >= min(0.5, float(share.max()))]))
    lit = cv2.resize(cells / max(typical, _DARKEST), (width, height)) >= darkest
    result = np.zeros_like(skin)
    result[window] = part & lit
    return result


def skin_coloured(image: Image) -> Mask:
    """What has the colour of most of a close-up of skin, and is neither clipped nor black.

    The typical chroma is the photograph's own median, so that no complexion is preferred.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        RGB, most of it skin.

    Returns
    -------
    ndarray of bool, shape (M, N)
    """
    rows, cols = image.shape[:2]
    reduction = max(1, max(rows, cols) // _COLOUR_CELLS)
    size = (max(1, cols // reduction), max(1, rows // reduction))
    small = to_uint8(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    light, a, b = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32))
    exposed = (light > _LIT[0]) & (light < _LIT[1])
    if not exposed.any():
        return np.zeros((rows, cols), bool)
    off = np.hypot(a - np.median(a[exposed]), b - np.median(b[exposed]))
    mask = (exposed & (off < _CHROMA_OFF)).astype(np.uint8)
    return cv2.resize(mask, (cols, rows), interpolation=cv2.INTER_NEAREST) > 0


def warp_affine_reduced(image: Image, matrix: NDArray[np.float64], size: tuple[int, int]) -> Image:
    """Affine crop of a large image without aliasing, reading only the part that is needed.

    Parameters
    ----------
    image : ndarray of uint8 or uint16, shape (M, N, 3)
        Source.
    matrix : ndarray of float64, shape (2, 3)
        From source to crop points (x, y), pixel centres at integers.
    size : tuple of int
        (width, height) of the crop.

    Returns
    -------
    ndarray of the source's dtype, shape (height, width, 3)
        Black where the source has no pixels.
    """
    image, matrix = _cut_to_need(image, matrix, size)
    zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if zoom < 0.5:  # averaging first: bilinear sampling alone would alias
        rows, cols = image.shape[:2]
        reduced = (max(1, round(cols * 2 * zoom)), max(1, round(rows * 2 * zoom)))
        image = cv2.resize(image, reduced, interpolation=cv2.INTER_AREA)
        back = np.diag([cols / reduced[0], rows / reduced[1]])
        # a pixel centre at x of the reduced image lies at (x + 0.5) * back - 0.5
        offset = matrix[:, :2] @ (np.diag(back) / 2 - 0.5) + matrix[:, 2]
        matrix = np.column_stack([matrix[:, :2] @ back, offset])
    return cv2.warpAffine(
        image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )


def _cut_to_need(
    image: Image, matrix: NDArray[np.float64], size: tuple[int, int]
) -> tuple[Image, NDArray[np.float64]]:
    """The part of the source that an affine crop reads, and the map from there."""
    corners = np.array([[0, 0], [size[0], 0], [0, size[1]], size], np.float64) - 0.5
    back = cv2.invertAffineTransform(matrix)
    seen = corners @ back[:, :2].T + back[:, 2]
    reach = 2 / max(float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))), 1e-6)
    rows, cols = image.shape[:2]
    x0, y0 = np.clip(np.floor(seen.min(axis=0) - reach), 0, [cols - 1, rows - 1]).astype(int)
    x1, y1 = np.clip(np.ceil(seen.max(axis=0) + reach), [x0 + 1, y0 + 1], [cols, rows]).astype(int)
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ np.array([x0, y0], np.float64)
    return image[y0:y1, x0:x1], moved
