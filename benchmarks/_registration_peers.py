"""Other tools' ways to align two pictures of a face, for comparison.

Each is a function ``(fixed, moving, mask, mm_per_px) -> displacement``: two luminance pictures,
float32 in 0 to 255, shape (h, w), that a common start has brought near each other; the skin in
the fixed one, bool (h, w); the displacement, float32 (h, w, 2), is (dx, dy) in px, so that a
point p of the fixed picture lies at p + d(p) in the moving one. A peer that does not arrive
raises RuntimeError.

The settings are those that did best of a few on six faces warped by known smooth waves of 1.5 to
2 px, with noise and, on four, a light that changes by a quarter to either side. Two things
decided. On luminance as it is no peer but `dis` bears that light: global correlation and mutual
information follow it and stray by tens of px. All tuned peers therefore get skin texture as the
package's own method does: log luminance less its local mean, over its local deviation. And
B-splines of 10 mm are the compromise: 12 mm and more follow short waves badly, 8 mm gives way to
noise.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.registration import optical_flow_tvl1

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scarmetrics.models import FloatImage, Mask

Peer = Callable[["FloatImage", "FloatImage", "Mask", float], "FloatImage"]

SEED = 5
TEXTURE_MM = 2.5  # sigma; differences of a larger scale are light
LEAST_CONTRAST = 0.003  # of log luminance
GRID_MM = 10.0  # between the B-spline's nodes
LEVELS = 3

CORRELATION = "AdvancedNormalizedCorrelation"
ELASTIX_ITERATIONS = 250
ELASTIX_SAMPLES = 4096

SITK_SHRINK = (4, 2, 1)
SITK_SIGMAS_PX = (2.0, 1.0, 0.0)
SITK_SHARE_OF_PIXELS = (1.0, 1.0, 0.5)
SITK_ITERATIONS = 100

TVL1_PER_DEVIATION = 0.25
TVL1_ATTACHMENT = 5.0
TVL1_QUIET_PX = 0.7  # sigma of the blur before it

Maps = list[tuple[str, dict[str, Any]]]


def needed(module: str) -> Any:
    """A library of the extra `bench`, or an end that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        sys.exit(f"{module} is not installed; to compare with it: pip install 'scarmetrics[bench]'")


def texture(picture: FloatImage, mm_per_px: float) -> FloatImage:
    """Log luminance less its local mean, over its local standard deviation."""
    log = np.log(np.maximum(picture, 1.0)).astype(np.float32)
    sigma = TEXTURE_MM / mm_per_px
    flat = log - cv2.GaussianBlur(log, (0, 0), sigma)
    spread = np.sqrt(cv2.GaussianBlur(flat * flat, (0, 0), sigma))
    return np.asarray(flat / np.maximum(spread, LEAST_CONTRAST), np.float32)


def elastix_default(
    fixed: FloatImage, moving: FloatImage, _mask: Mask, _mm_per_px: float
) -> FloatImage:
    """Elastix as it comes: its default maps, affine then B-spline, on luminance, no mask."""
    # With the mask it does worse: 0.29 px instead of 0.19 in the median where the light is equal.
    return _elastix(fixed, moving, None, [("affine", {}), ("bspline", {})])


def elastix(fixed: FloatImage, moving: FloatImage, mask: Mask, mm_per_px: float) -> FloatImage:
    """Elastix tuned: correlation of skin texture, affine then B-spline of 10 mm, on the mask."""
    # The best for its time: 4 levels, 500 iterations and 8192 samples gave 0.069 px instead of
    # 0.073 (means of faces' median errors) and took four times longer. Also tried: grids of 8, 10,
    # 12 and 16 mm (0.076, 0.069, 0.078 and 0.131 px); and, within 0.004 px, mutual information
    # with 32 and 64 bins, a bending penalty, no affine step, 1000 iterations, 16384 samples, cubic
    # interpolation; samples at pixel centres only (0.01 px worse). On luminance 6 to 30 px where
    # the light differs.
    pyramid = [2**level for level in range(LEVELS - 1, -1, -1)]
    shared: dict[str, Any] = {
        "Registration": ["MultiResolutionRegistration"],
        "Metric": [CORRELATION],
        "Optimizer": ["AdaptiveStochasticGradientDescent"],
        "NumberOfResolutions": [LEVELS],
        "ImagePyramidSchedule": [factor for factor in pyramid for _axis in "xy"],
        "NumberOfSpatialSamples": [ELASTIX_SAMPLES],
        "MaximumNumberOfIterations": [ELASTIX_ITERATIONS],
        "ErodeMask": ["false"],
    }
    spline = {
        **shared,
        "FinalGridSpacingInPhysicalUnits": [GRID_MM / mm_per_px],  # the pictures' unit is the px
        "GridSpacingSchedule": [min(factor, 4) for factor in pyramid],
    }
    a, b = texture(fixed, mm_per_px), texture(moving, mm_per_px)
    return _elastix(a, b, mask, [("affine", shared), ("bspline", spline)])


def _elastix(fixed: FloatImage, moving: FloatImage, mask: Mask | None, maps: Maps) -> FloatImage:
    itk = needed("itk")
    parameters = itk.ParameterObject.New()
    for name, changes in maps:
        chosen = parameters.GetDefaultParameterMap(name)
        if "Metric" in changes:  # the default's weights belong to the default's two metrics
            for key in ("Metric0Weight", "Metric1Weight"):
                if key in chosen:
                    del chosen[key]
        for key, values in {**changes, "RandomSeed": [SEED], "WriteResultImage": ["false"]}.items():
            chosen[key] = [str(value) for value in values]
        parameters.AddParameterMap(chosen)
    second = itk.image_from_array(np.ascontiguousarray(moving, np.float32))
    method = itk.ElastixRegistrationMethod.New(
        itk.image_from_array(np.ascontiguousarray(fixed, np.float32)), second
    )
    if mask is not None:
        method.SetFixedMask(itk.image_from_array(mask.astype(np.uint8)))
    method.SetParameterObject(parameters)
    method.SetLogToConsole(False)
    method.Update()
    transformix = itk.TransformixFilter.New(second)
    transformix.SetTransformParameterObject(method.GetTransformParameterObject())
    transformix.SetLogToConsole(False)
    transformix.SetComputeDeformationField(True)
    with tempfile.TemporaryDirectory() as folder:  # it writes the field to a file as well
        transformix.SetOutputDirectory(folder)
        transformix.Update()
    return np.array(itk.array_view_from_image(transformix.GetOutputDeformationField()), np.float32)


def simpleitk(fixed: FloatImage, moving: FloatImage, mask: Mask, mm_per_px: float) -> FloatImage:
    """SimpleITK: correlation of skin texture, B-spline of 40, 20, 10 mm, L-BFGS, on the mask."""
    # L-BFGS-B refuses a grid that is refined on the way, and on one grid of 10 mm it was slower
    # and worse (0.145 px against 0.128 with a fifth of the pixels, means of three faces' median
    # errors). Tried: half of the pixels at the last level (0.094 px, taken), all (0.095, slower),
    # two levels on all pixels (0.088, three times slower), 8 mm (0.097), 14 mm (worse), mutual
    # information (the same); on luminance correlation strays and a neighbourhood correlation
    # hardly moves.
    sitk = needed("SimpleITK")
    a = sitk.GetImageFromArray(texture(fixed, mm_per_px))
    b = sitk.GetImageFromArray(texture(moving, mm_per_px))
    coarse_px = GRID_MM / mm_per_px * SITK_SHRINK[0]
    rows, cols = fixed.shape
    mesh = [max(1, round(size / coarse_px)) for size in (cols, rows)]
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(sitk.GetImageFromArray(mask.astype(np.uint8)))
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentagePerLevel(SITK_SHARE_OF_PIXELS, SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsLBFGS2(solutionAccuracy=1e-5, numberOfIterations=SITK_ITERATIONS)
    method.SetShrinkFactorsPerLevel(SITK_SHRINK)
    method.SetSmoothingSigmasPerLevel(SITK_SIGMAS_PX)
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetInitialTransformAsBSpline(
        sitk.BSplineTransformInitializer(a, mesh, order=3),
        inPlace=False,
        scaleFactors=[SITK_SHRINK[0] // factor for factor in SITK_SHRINK],
    )
    field = sitk.TransformToDisplacementField(
        method.Execute(a, b), sitk.sitkVectorFloat32, a.GetSize()
    )
    return np.asarray(sitk.GetArrayFromImage(field), np.float32)


def tvl1(fixed: FloatImage, moving: FloatImage, _mask: Mask, mm_per_px: float) -> FloatImage:
    """scikit-image's TV-L1 flow on skin texture, with its median filter between warps."""
    # Tried, means of five faces' median errors: attachment 2, 4, 5, 8, 15 (0.29, 0.150 with the
    # filter, 0.167, 0.192 with it, 0.28), the filter (0.157), a blur of 0.7 px before it (0.144,
    # taken) and of 1 px (worse), 15 warps (the same), tightness 0.1 and 1 (worse). On luminance
    # with its defaults 4 to 10 px where the light differs.
    a, b = (
        cv2.GaussianBlur(TVL1_PER_DEVIATION * texture(picture, mm_per_px), (0, 0), TVL1_QUIET_PX)
        for picture in (fixed, moving)
    )
    down, right = optical_flow_tvl1(a, b, attachment=TVL1_ATTACHMENT, prefilter=True)
    return np.stack([right, down], axis=-1).astype(np.float32)


def dis(fixed: FloatImage, moving: FloatImage, _mask: Mask, _mm_per_px: float) -> FloatImage:
    """OpenCV's dense inverse search flow as it comes (preset medium), on luminance."""
    solver = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(solver.calc(_as_8_bit(fixed), _as_8_bit(moving), None), np.float32)


def _as_8_bit(picture: FloatImage) -> NDArray[np.uint8]:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


PEERS: dict[str, Peer] = {
    "elastix": elastix,
    "elastix-default": elastix_default,
    "simpleitk": simpleitk,
    "tvl1": tvl1,
    "dis": dis,
}

DESCRIPTIONS = {name: (peer.__doc__ or "").rstrip(".") for name, peer in PEERS.items()}


def load() -> None:
    """Load all libraries now; ITK's would otherwise count as the first call's time and memory."""
    itk = needed("itk")
    needed("SimpleITK")
    picture = itk.image_from_array(np.zeros((8, 8), np.float32))
    itk.array_view_from_image(picture)
    itk.image_from_array(np.zeros((8, 8), np.uint8))
    itk.ElastixRegistrationMethod.New(picture, picture)
    itk.TransformixFilter.New(picture)
    itk.ParameterObject.New()


def limit_threads(count: int) -> None:
    """Let every peer use so many threads; elastix, SimpleITK and OpenCV take all cores otherwise.

    TV-L1 uses one thread in any case.
    """
    threader = needed("itk").MultiThreaderBase
    threader.SetGlobalMaximumNumberOfThreads(count)
    threader.SetGlobalDefaultNumberOfThreads(count)
    needed("SimpleITK").ProcessObject.SetGlobalDefaultNumberOfThreads(count)
    cv2.setNumThreads(count)


def versions() -> dict[str, str]:
    """The peers' libraries; empty where not installed."""
    found = {"opencv": str(cv2.__version__)}
    for name in ("itk-elastix", "simpleitk", "scikit-image"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found
