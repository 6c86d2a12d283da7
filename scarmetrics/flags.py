"""One registry of quality flags: name, severity and when each is set.

A flag travels with the row it concerns, by name, joined by ``;``. The severest flag of a half
decides its ``qc_status``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Severity = Literal["info", "review", "fail"]
QcStatus = Literal["pass", "review", "fail"]


@dataclass(frozen=True, slots=True)
class Flag:
    """A quality flag.

    Attributes
    ----------
    name : str
        The word in the tables.
    severity : {'info', 'review', 'fail'}
        What the flag does to ``qc_status``; ``info`` leaves it alone.
    description : str
        What it means, for a technician.
    column : str
        The column that holds the number it is set by; empty where there is none.
    limit : str
        The key of the config that this number is compared with, as ``section.key``.
    """

    name: str
    severity: Severity
    description: str
    column: str = ""
    limit: str = ""

    @property
    def evidence(self) -> tuple[str, str]:
        """The number and its limit."""
        return self.column, self.limit


def _registry() -> dict[str, Flag]:
    flags = [
        Flag("alpha_dropped", "info", "the file has a transparency channel, which was ignored"),
        Flag("icc_converted", "info", "an embedded colour profile was converted to sRGB"),
        Flag("icc_unreadable", "review", "the embedded colour profile is damaged and was ignored"),
        Flag("icc_8bit", "info", "colours of a 16-bit file were converted to sRGB at 8 bit"),
        Flag("extra_pages", "review", "the file holds several images; the first one was used"),
        Flag("several_faces", "review", "more than one face in the photograph; the largest taken"),
        Flag(
            "flat_surface", "info", "face.surface is flat in the config: area_mm2 is projected area"
        ),
        Flag(
            "beard_suspected",
            "review",
            "the lower face shows the fine texture of stubble or a beard: look for hair among its "
            "scars",
            "beard_texture",
            "quality.max_beard_texture",
        ),
        Flag(
            "glasses",
            "review",
            "the face wears spectacles, at one visit or both: skin behind and beside them is left "
            "out at both, unless face.exclude_glasses is false; photograph without them",
            "glasses_score",
            "face.min_glasses_score",
        ),
        Flag(
            "much_not_measurable",
            "review",
            "much of the half's skin could not be measured: under hair, spectacles or a print, in "
            "shadow, turned away, blown out",
            "not_measurable_fraction",
            "quality.max_not_measurable",
        ),
        Flag(
            "blurred",
            "review",
            "the photograph is not sharp: small scars are missed and others read too small",
            "blur_mm",
            "quality.max_blur_mm",
        ),
        Flag(
            "sharpness_difference",
            "review",
            "one visit's photograph is sharper than the other's, which alone changes scar area",
            "blur_difference_mm",
            "quality.max_blur_difference_mm",
        ),
        Flag(
            "underexposed",
            "review",
            "the skin is so dark in the photograph that faint scars are lost between code values",
            "exposure",
            "quality.exposure",
        ),
        Flag(
            "overexposed",
            "review",
            "the skin is so bright in the photograph that it may have lost its contrast",
            "exposure",
            "quality.exposure",
        ),
        Flag(
            "clipped",
            "review",
            "on much of the skin a colour channel is at the end of its range",
            "clipped_fraction",
            "quality.max_clipped",
        ),
        Flag("no_scale", "review", "no scale is known: mm² are empty, area_fraction stays valid"),
        Flag(
            "nominal_detection_scale",
            "info",
            "detection sizes assume 63 mm between the pupils, for want of a scale",
        ),
        Flag(
            "scale_implausible",
            "review",
            "the scale implies a face of a size that people do not have",
            "mm_per_px",
            "quality.interpupillary_mm",
        ),
        Flag(
            "scales_conflict",
            "review",
            "two sources of scale differ by more than 3 standard deviations; see scales_found",
        ),
        Flag(
            "scale_source_failed",
            "review",
            "a source of scale that the config promises could not be used and another was; see "
            "scales_found",
        ),
        Flag("iris_scale", "review", "the scale comes from the width of the irises: a rough guess"),
        Flag(
            "view_contradicted",
            "review",
            "the head is turned otherwise than the declared view says",
        ),
        Flag(
            "shared_photograph",
            "review",
            "the same file, byte by byte, stands for another subject too (told in the tables only)",
        ),
        Flag(
            "scales_disagree",
            "review",
            "the two visits' scales contradict the sizes at which the face appears",
        ),
        Flag(
            "coarse_pixels",
            "review",
            "pixels are too large for the smallest scars asked for",
            "mm_per_px",
            "quality.min_scar_diameter_px",
        ),
        Flag("low_face_presence", "review", "the face landmarks are uncertain"),
        Flag(
            "pose_difference",
            "review",
            "the head is turned differently at the two visits",
            "pose_difference_deg",
            "quality.max_pose_difference_deg",
        ),
        Flag(
            "expression_difference",
            "review",
            "the face has another expression at the two visits, which stretches and folds skin",
            "expression_difference",
            "quality.max_expression_difference",
        ),
        Flag(
            "low_registered_fraction",
            "review",
            "a large part of the skin could not be aligned and was left out at both visits",
            "registered_fraction",
            "quality.min_registered_fraction",
        ),
        Flag(
            "high_residual",
            "review",
            "alignment of the two visits is less certain than usual",
            "registration_residual_mm",
            "quality.max_residual_mm",
        ),
        Flag("no_scar_found", "info", "skin was measured and no scar was found"),
    ]
    return {flag.name: flag for flag in flags}


FLAGS: Mapping[str, Flag] = MappingProxyType(_registry())
"""Every flag that the tables may hold."""


def qc_status(names: Iterable[str]) -> QcStatus:
    """Status that a set of flags amounts to.

    Parameters
    ----------
    names : iterable of str
        Names from `FLAGS`.

    Returns
    -------
    {'pass', 'review', 'fail'}

    Raises
    ------
    KeyError
        For a name that is not in the registry.
    """
    severities = {FLAGS[name].severity for name in names}
    if "fail" in severities:
        return "fail"
    return "review" if "review" in severities else "pass"


def join_flags(names: Iterable[str]) -> str:
    """Flags as one table cell, sorted, without repeats, joined by ``;``."""
    return ";".join(sorted(set(names)))
