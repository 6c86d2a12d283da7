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
    """

    name: str
    severity: Severity
    description: str


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
            "the lower face shows the fine texture of stubble or a beard, beard_texture is above "
            "quality.max_beard_texture: look for hair among its scars",
        ),
        Flag(
            "much_not_measurable",
            "review",
            "much of the half's skin could not be measured, not_measurable_fraction is above "
            "quality.max_not_measurable",
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
        Flag("coarse_pixels", "review", "pixels are too large for the smallest scars asked for"),
        Flag("low_face_presence", "review", "the face landmarks are uncertain"),
        Flag("pose_difference", "review", "the head is turned differently at the two visits"),
        Flag(
            "low_registered_fraction",
            "review",
            "a large part of the skin could not be aligned and was left out at both visits",
        ),
        Flag("high_residual", "review", "alignment of the two visits is less certain than usual"),
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
