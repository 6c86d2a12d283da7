"""What a run reads: exports, which photographs make a half, scales."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from scarmetrics.config.values import (
    NotNegative,
    Number,
    Positive,
    Spellings,
    VisitName,
    refuse_bool,
    unique_spellings,
)
from scarmetrics.strict_yaml import Section


def _visits() -> dict[str, tuple[str, ...]]:
    return {
        "baseline": ("baseline", "base", "before", "pre", "v0", "t0", "m0", "month0", "قبل"),
        "month3": ("month3", "month_3", "m3", "3m", "3month", "3months", "after", "post", "بعد"),
    }


def _views() -> dict[Literal["frontal", "left", "right"], tuple[str, ...]]:
    return {
        "frontal": ("frontal", "front", "f", "c", "center", "centre", "0", "روبرو", "جلو"),
        "left": ("left", "l", "lt", "left_side", "چپ"),
        "right": ("right", "r", "rt", "right_side", "راست"),
    }


class IngestConfig(Section):
    """How exports become records.

    Attributes
    ----------
    reader : str
        ``auto``: the manifest if there is one, else the patterns; or a reader's name.
    manifest : str
        File name of the manifest inside the exports folder (.csv or .xlsx).
    patterns : tuple of str
        Path templates below the exports folder, without extension, tried in order.
    visits, views : dict
        Canonical word to the spellings that mean it; case does not matter. The name of a visit
        becomes part of file names: letters a-z, digits, ``_``, ``.``, ``-``, 32 at most.
    light : str or None
        Which kind of light to measure, where photographs of several exist.
    max_megapixels : float
        Larger images are refused before they are decoded.
    """

    reader: str = "auto"
    manifest: Annotated[str, Field(pattern=r"(?i)^[^/\\:]+\.(csv|xlsx)$")] = "manifest.csv"
    patterns: tuple[str, ...] = (
        "{subject_id}/{visit}/{view}",
        "{subject_id}/{visit}_{view}",
        "{visit}/{subject_id}_{view}",
        "{subject_id}_{visit}_{view}",
    )
    visits: dict[VisitName, Spellings] = Field(default_factory=_visits)
    views: dict[Literal["frontal", "left", "right"], Spellings] = Field(default_factory=_views)
    light: str | None = None
    max_megapixels: Positive = 200.0

    @field_validator("visits", "views")
    @classmethod
    def _aliases_are_unique(cls, table: dict[str, Spellings]) -> dict[str, Spellings]:
        return unique_spellings(table)


class PairingConfig(Section):
    """Which photographs make a half.

    Attributes
    ----------
    baseline_visit, follow_up_visit : str
        Keys of ``ingest.visits``.
    view_preference : tuple of {'side', 'frontal'}
        Which view measures a half when both visits have several: the oblique one of that side,
        or the frontal one.
    """

    baseline_visit: str = "baseline"
    follow_up_visit: str = "month3"
    view_preference: tuple[Literal["side", "frontal"], ...] = Field(
        default=("side", "frontal"), min_length=1
    )


Preference = Literal["manifest", "device", "marker", "colorchecker", "dpi", "follow_up", "iris"]

MarkerDictionary = Literal[
    "aruco_4x4_50", "aruco_4x4_100", "aruco_4x4_250", "aruco_4x4_1000",
    "aruco_5x5_50", "aruco_5x5_100", "aruco_5x5_250", "aruco_5x5_1000",
    "aruco_6x6_50", "aruco_6x6_100", "aruco_6x6_250", "aruco_6x6_1000",
    "aruco_7x7_50", "aruco_7x7_100", "aruco_7x7_250", "aruco_7x7_1000",
    "aruco_mip_36h12",
    "apriltag_16h5", "apriltag_25h9", "apriltag_36h10", "apriltag_36h11",
]  # fmt: skip
"""The sets of square markers that OpenCV knows."""


class ScaleConfig(Section):
    """Where millimetres come from.

    Attributes
    ----------
    device_mm_per_px : float or None
        The device's calibration, for all photographs without a scale in the manifest.
    device_rel_sd : float
        Its relative standard deviation.
    manifest_rel_sd : float
        The relative standard deviation of a manifest scale that states none.
    prefer : tuple of str
        Order of preference; the first source that has a number is the one used. One that is left
        out is forbidden, and `iris` is used only where it is named.
    marker_size_mm : float or None
        Edge of the black square of the marker that every photograph shows; None is no marker.
    marker_dictionary : str
        Which markers.
    marker_id : int or None
        Which of them; None is any one.
    marker_max_tilt_deg : float
        Markers that are tilted by more are refused.
    marker_min_size_px : float
        Markers that are smaller are refused.
    colorchecker_pitch_mm : float or None
        Distance between the middles of neighbouring patches of the chart that every photograph
        shows; None is no chart.
    iris_mm, iris_sd_mm : float
        Width of an iris among people, and its standard deviation.
    depth_sd_mm : float
        Standard deviation of how much nearer or farther the skin is than the thing that gives
        the scale; needs ``face.camera_distance_mm``.
    depth_rel_sd : float
        What it does to the scale where the distance is not known.
    use_dpi_tag : bool
        Whether the resolution in a file is its scale.
    dpi_rel_sd : float
        Its relative standard deviation.
    """

    device_mm_per_px: Positive | None = None
    device_rel_sd: NotNegative = 0.02
    manifest_rel_sd: NotNegative = 0.02
    prefer: tuple[Preference, ...] = Field(
        default=("manifest", "device", "marker", "colorchecker", "dpi", "follow_up"), min_length=1
    )
    marker_size_mm: Positive | None = None
    marker_dictionary: MarkerDictionary = "aruco_4x4_50"
    marker_id: Annotated[int, BeforeValidator(refuse_bool), Field(ge=0)] | None = None
    marker_max_tilt_deg: Annotated[Number, Field(gt=0, le=75, allow_inf_nan=False)] = 50.0
    marker_min_size_px: Annotated[Number, Field(ge=12, allow_inf_nan=False)] = 25.0
    colorchecker_pitch_mm: Positive | None = None
    iris_mm: Positive = 11.7
    iris_sd_mm: NotNegative = 0.5
    depth_sd_mm: NotNegative = 20.0
    depth_rel_sd: NotNegative = 0.03
    use_dpi_tag: bool = False
    dpi_rel_sd: NotNegative = 0.02
