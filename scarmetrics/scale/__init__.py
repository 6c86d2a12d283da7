"""What a pixel is worth in mm, from what a photograph shows, and which scale is used."""

from scarmetrics.scale.choose import (
    NO_SCALE,
    Polygon,
    ScaleChoice,
    choose_scale,
    dpi_scale,
    follow_up_scale,
    image_scales,
    with_depth,
)
from scarmetrics.scale.colorchecker import find_colorchecker
from scarmetrics.scale.iris import iris_scale
from scarmetrics.scale.marker import find_marker
from scarmetrics.scale.plane import PlaneScale
from scarmetrics.scale.result import ScaleNotFound

__all__ = [
    "NO_SCALE",
    "PlaneScale",
    "Polygon",
    "ScaleChoice",
    "ScaleNotFound",
    "choose_scale",
    "dpi_scale",
    "find_colorchecker",
    "find_marker",
    "follow_up_scale",
    "image_scales",
    "iris_scale",
    "with_depth",
]
