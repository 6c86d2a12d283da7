"""The unit of work: one pair of photographs and the halves that it measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scarmetrics.models import FailureRecord, HalfPlan, PhotoRecord, Side
from scarmetrics.scale import dpi_scale
from scarmetrics.units import PixelScale

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scarmetrics.config import ScaleConfig
    from scarmetrics.models import Failure

Row = dict[str, Any]


@dataclass(frozen=True)
class PairJob:
    """Two photographs of one subject, measured together because the halves share them.

    Attributes
    ----------
    subject_id : str
        Whose.
    baseline, follow_up : PhotoRecord
        The photographs.
    sides : tuple of {'left', 'right'}
        Halves to measure.
    """

    subject_id: str
    baseline: PhotoRecord
    follow_up: PhotoRecord
    sides: tuple[Side, ...]

    def failures(
        self, failure: Failure, sides: Iterable[Side], visit: str = ""
    ) -> list[FailureRecord]:
        """Rows of ``failures.csv`` for halves of this job, naming the file at fault."""
        at_fault = {self.baseline.visit: self.baseline, self.follow_up.visit: self.follow_up}
        records = [at_fault[visit]] if visit in at_fault else [self.baseline, self.follow_up]
        return [
            FailureRecord(
                subject_id=self.subject_id,
                side=side,
                visit=visit,
                path_relative=";".join(record.path_relative for record in records),
                reason_code=failure.reason_code,
                reason=failure.reason,
                remedy=failure.remedy,
            )
            for side in sides
        ]

    def failed(self, failure: Failure) -> tuple[HalfOutcome, ...]:
        """The outcomes when no half of this job could be measured, for one reason."""
        return tuple(
            HalfOutcome(side, failures=self.failures(failure, (side,))) for side in self.sides
        )


@dataclass
class HalfOutcome:
    """What one half gave: rows for the tables, files written, or why it could not be measured.

    Attributes
    ----------
    side : {'left', 'right'}
        Which half.
    measurements, changes, scars, regions : list of dict
        Rows.
    failures : list of FailureRecord
        Why it could not be measured.
    files : dict of str to str
        Hash of each file that was written, by its name below OUT.
    inputs : dict of str to str
        Hash of each photograph that was decoded, by its relative name.
    photographs : dict of str to str
        The same of both photographs, decoded or not; empty for one that could not be read.
    """

    side: Side
    measurements: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    scars: list[Row] = field(default_factory=list)
    regions: list[Row] = field(default_factory=list)
    failures: list[FailureRecord] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    photographs: dict[str, str] = field(default_factory=dict)


Outcomes = tuple[HalfOutcome, ...]


def pair_jobs(halves: Iterable[HalfPlan]) -> list[PairJob]:
    """Group halves that come from the same two photographs, order kept."""
    groups: dict[tuple[str, str, str], list[HalfPlan]] = {}
    for half in halves:
        key = (half.subject_id, half.baseline.path_relative, half.follow_up.path_relative)
        groups.setdefault(key, []).append(half)
    return [
        PairJob(
            subject_id=group[0].subject_id,
            baseline=group[0].baseline,
            follow_up=group[0].follow_up,
            sides=tuple(half.side for half in group),
        )
        for group in groups.values()
    ]


def stated_scales(
    record: PhotoRecord, dpi: float | None, config: ScaleConfig
) -> tuple[PixelScale, ...]:
    """Every scale that is stated for a photograph.

    Parameters
    ----------
    record : PhotoRecord
        May carry a scale from the manifest.
    dpi : float or None
        Resolution stored in its file; counts only with ``scale.use_dpi_tag``.
    config : ScaleConfig
        May hold the device's scale.

    Returns
    -------
    tuple of PixelScale
        Empty when no source has a number; never a default.
    """
    scales = []
    if record.mm_per_px is not None:
        stated = record.mm_per_px_rel_sd
        rel_sd = config.manifest_rel_sd if stated is None else stated
        scales.append(PixelScale(record.mm_per_px, rel_sd, "manifest"))
    if config.device_mm_per_px is not None:
        scales.append(PixelScale(config.device_mm_per_px, config.device_rel_sd, "device"))
    if config.use_dpi_tag and dpi is not None:
        scales.append(dpi_scale(dpi, config.dpi_rel_sd))
    return tuple(scales)
