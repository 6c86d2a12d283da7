"""Other methods, made from scikit-image alone, for comparison.

Each is a function ``(image, roi, mm_per_px) -> labels`` with fixed settings: of a few that were
tried, those that agree best with the readers of the real close-ups, which flatters them there;
the naive method is as it was first thought of. All work on a grid of 0.2 mm/px, or the
photograph's own where that is coarser, and leave out components smaller than a disc of 0.8 mm or
of 4 px, as the methods of the package are told to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage as ndi
from skimage.color import rgb2lab
from skimage.feature import blob_log
from skimage.filters import frangi, gaussian, threshold_local, threshold_otsu
from skimage.measure import label
from skimage.segmentation import watershed
from skimage.transform import resize

from scarmetrics.photometry import log_luminance, to_uint8
from scarmetrics.segmentation import (
    FailedSegmentation,
    Response,
    ScarLabels,
    register_segmenter,
    segmenter_names,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.config import SegmentationConfig
    from scarmetrics.models import Image, Mask

    Labels = NDArray[np.int32]

GRID_MM = 0.2
LEAST_DIAMETER_MM = 0.8
LEAST_DIAMETER_PX = 4
QUIET_MM = 0.3  # sigma of the blur before thresholds
ADAPTIVE_BLOCK_MM = 12.0
ADAPTIVE_OFFSET = 4.0  # units of L*
BLOB_RADIUS_MM = (0.5, 3.0)
BLOB_THRESHOLD = 0.05  # of the scale-normalised response to L* / 100
FRANGI_SIGMA_MM = (0.4, 0.7, 1.1)
FRANGI_THRESHOLD = 0.1  # of a response that ends at 1
NAIVE_SIGMA_PX = (3.0, 6.0)  # at 0.2 mm/px
NAIVE_MADS = 3.0

Peer = Callable[["Image", "Mask", float], "Labels"]


class Part(NamedTuple):
    """What a peer looks at: the skin's box on the working grid."""

    image: Image
    skin: Mask
    mm_per_px: float

    def sigma(self, mm: float) -> float:
        return mm / self.mm_per_px

    def lightness(self) -> NDArray[np.float64]:
        """CIE L*, 0 to 100; what is not skin takes the skin's median."""
        lab: NDArray[np.float64] = rgb2lab(to_uint8(self.image))[..., 0]
        return np.where(self.skin, lab, np.median(lab[self.skin]))


def on_working_grid(find: Callable[[Part], NDArray[np.integer]]) -> Peer:
    """Make a peer of a function that labels a part of a photograph."""

    def peer(image: Image, roi: Mask, mm_per_px: float) -> Labels:
        found = np.zeros(roi.shape, np.int32)
        rows, cols = np.flatnonzero(roi.any(axis=1)), np.flatnonzero(roi.any(axis=0))
        if not len(rows):
            return found
        window = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        part, size = reduced(image[window], roi[window], mm_per_px), roi[window].shape
        labels = without_small(np.where(part.skin, find(part), 0), part.mm_per_px)
        if labels.shape != size:
            labels = resize(labels, size, order=0, preserve_range=True, anti_aliasing=False)
        found[window] = np.where(roi[window], labels, 0)
        return renumbered(found)

    return peer


def reduced(image: Image, skin: Mask, mm_per_px: float) -> Part:
    """A part of a photograph on the working grid, which is never finer than its own."""
    zoom = mm_per_px / GRID_MM
    if zoom >= 1:
        return Part(image, skin, mm_per_px)
    size = (max(1, round(image.shape[0] * zoom)), max(1, round(image.shape[1] * zoom)))
    small = resize(image, size, order=1, anti_aliasing=True, preserve_range=True)
    mask = resize(skin, size, order=0, anti_aliasing=False)
    if not mask.any():  # a sliver of skin may fall between the cells
        return Part(image, skin, mm_per_px)
    return Part(np.round(small).astype(image.dtype), mask, mm_per_px * skin.shape[0] / size[0])


def without_small(labels: NDArray[np.integer], mm_per_px: float) -> NDArray[np.integer]:
    diameter_px = max(LEAST_DIAMETER_MM / mm_per_px, LEAST_DIAMETER_PX)
    sizes = np.bincount(labels.ravel())
    return np.where(sizes[labels] >= np.pi / 4 * diameter_px**2, labels, 0)


def renumbered(labels: NDArray[np.integer]) -> Labels:
    present = np.unique(labels[labels > 0])
    return np.asarray(np.searchsorted(present, labels) + 1, np.int32) * (labels > 0)


@on_working_grid
def otsu(part: Part) -> NDArray[np.integer]:
    """Otsu's threshold on L* over the skin; the dark side."""
    light = gaussian(part.lightness(), part.sigma(QUIET_MM))
    inside = light[part.skin]
    return label((light < threshold_otsu(inside)) & part.skin)


@on_working_grid
def adaptive(part: Part) -> NDArray[np.integer]:
    """Darker than the Gaussian mean of L* over a block around, by an offset."""
    light = gaussian(part.lightness(), part.sigma(QUIET_MM))
    block = 2 * round(part.sigma(ADAPTIVE_BLOCK_MM) / 2) + 1
    return label((light < threshold_local(light, block, offset=ADAPTIVE_OFFSET)) & part.skin)


@on_working_grid
def log_blobs(part: Part) -> NDArray[np.integer]:
    """Dark blobs by the Laplacian of Gaussians, each a disc of radius sigma times root two."""
    low, high = (part.sigma(mm) / np.sqrt(2) for mm in BLOB_RADIUS_MM)
    blobs = blob_log(
        1 - part.lightness() / 100, low, high, num_sigma=6, threshold=BLOB_THRESHOLD, overlap=0.5
    )
    labels = np.zeros(part.skin.shape, np.int32)
    y, x = np.ogrid[: labels.shape[0], : labels.shape[1]]
    # the widest first, so that a narrow one inside it stays visible
    for number, (row, col, sigma) in enumerate(blobs[np.argsort(-blobs[:, 2], kind="stable")], 1):
        labels[(y - row) ** 2 + (x - col) ** 2 <= 2 * sigma**2] = number
    return labels


@on_working_grid
def frangi_ridges(part: Part) -> NDArray[np.integer]:
    """Dark ridges by Frangi's filter."""
    sigmas = [part.sigma(mm) for mm in FRANGI_SIGMA_MM]
    ridges = frangi(part.lightness() / 100, sigmas=sigmas, black_ridges=True)
    return label((ridges > FRANGI_THRESHOLD) & part.skin)


@on_working_grid
def naive(part: Part) -> NDArray[np.integer]:
    """Difference of Gaussians of log luminance, 3 MAD, watershed basins at half maximum."""
    log = log_luminance(part.image)
    log = np.where(part.skin, log, np.median(log[part.skin]))
    fine, coarse = (gaussian(log, part.sigma(px * GRID_MM)) for px in NAIVE_SIGMA_PX)
    dark = coarse - fine
    inside = dark[part.skin]
    middle = np.median(inside)
    threshold = NAIVE_MADS * np.median(np.abs(inside - middle))
    seeds, count = ndi.label(
        (dark == ndi.maximum_filter(dark, 3)) & (dark > threshold) & part.skin, np.ones((3, 3))
    )
    if not count:
        return np.zeros(dark.shape, np.int32)
    peaks = np.array([np.inf, *ndi.maximum(dark, seeds, np.arange(1, count + 1))])
    basins = watershed(-dark, seeds, mask=part.skin & (dark > 0))
    return np.where(dark >= peaks[basins] / 2, basins, 0)


PEERS: dict[str, Peer] = {
    "otsu": otsu,
    "adaptive": adaptive,
    "log-blobs": log_blobs,
    "frangi": frangi_ridges,
    "naive": naive,
}


class PeerSegmenter:
    """A peer as a segmenter, so that the pipeline measures with it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def respond(
        self, image: Image, roi: Mask, mm_per_px: float, _coarsest_mm_per_px: float
    ) -> Response | FailedSegmentation:
        if not roi.any():
            return FailedSegmentation("no_skin")
        labels = self.peer(image, roi, mm_per_px).astype(np.float32)
        return Response(labels, roi, (0, 0), (1.0, 1.0), mm_per_px, noise=0.0)

    def label(
        self, response: Response, roi: Mask, noise: float, _known: Mask | None = None
    ) -> ScarLabels:
        labels = renumbered(np.where(roi, response.depth, 0).astype(np.int32))
        count = int(labels.max(initial=0))
        return ScarLabels(labels, np.ones(count), np.zeros(count), noise)


def register_peers() -> None:
    """Let a config name the peers; once or more often."""
    for name, peer in PEERS.items():
        if name not in segmenter_names():

            def factory(_config: SegmentationConfig, peer: Peer = peer) -> PeerSegmenter:
                return PeerSegmenter(peer)

            register_segmenter(name, factory)
