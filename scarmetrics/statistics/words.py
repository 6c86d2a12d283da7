"""The words of the trial: treatments, procedures, outcomes, and how a reader sees them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Treatment = Literal["adsc_cm", "saline"]
Procedure = Literal["co2_laser", "microneedling"]
Outcome = Literal["change_mm2", "change_pct", "change_fraction"]

ACTIVE: Treatment = "adsc_cm"
CONTROL: Treatment = "saline"
TREATMENTS: tuple[Treatment, Treatment] = (ACTIVE, CONTROL)
PROCEDURES: tuple[Procedure, Procedure] = ("co2_laser", "microneedling")
POOLED = "pooled"
OUTCOMES: tuple[Outcome, ...] = ("change_mm2", "change_pct", "change_fraction")
PRIMARY: Outcome = "change_mm2"

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "adsc_cm": "ADSC-CM",
        "saline": "saline",
        "co2_laser": "fractional CO₂ laser",
        "microneedling": "microneedling",
        "pooled": "both procedures",
        "change_mm2": "scar area",
        "change_pct": "scar area, percent of baseline",
        "change_fraction": "share of the skin that is scar",
        "measured": "all measured halves",
        "pass": "halves with quality status pass",
    }
)
"""What a reader sees for each word."""

UNITS: Mapping[str, str] = MappingProxyType(
    {"change_mm2": "mm²", "change_pct": "percentage points", "change_fraction": "fraction of skin"}
)
"""Unit of each outcome's change and of differences between changes."""

BASELINE_COLUMN: Mapping[str, str] = MappingProxyType(
    {"change_mm2": "area_mm2", "change_pct": "area_mm2", "change_fraction": "area_fraction"}
)
"""What the mixed model takes as baseline, by outcome."""
