"""What a run reads: exports, which photographs make a half, scales."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from scarmetrics.config.values import (
    NotNegative,
    Positive,
    Spellings,
    VisitName,
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
    prefer : tuple of {'manifest', 'device'}
        Order of preference; the first source that has a number is the one used.
    """

    device_mm_per_px: Positive | None = None
    device_rel_sd: NotNegative = 0.02
    manifest_rel_sd: NotNegative = 0.02
    prefer: tuple[Literal["manifest", "device"], ...] = Field(
        default=("manifest", "device"), min_length=1
    )
