"""The list of scars of one half: one line for each scar, at whichever visits it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.report.words import number, shown, with_sd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scarmetrics.report.folder import Row


@dataclass(frozen=True)
class ScarLine:
    """A scar at both visits.

    Attributes
    ----------
    baseline_id, follow_up_id : str
        Its labels; empty where it was not found.
    fate : str
        What became of it.
    baseline_area, follow_up_area : str
        In mm², or px² without a scale.
    change : str
        With standard deviation; empty where one scar is not followed by one.
    diameter : str
        Equivalent diameter at baseline, or where it is new at follow-up, mm.
    size : float
        Its largest area, to sort by.
    """

    baseline_id: str
    follow_up_id: str
    fate: str
    baseline_area: str
    follow_up_area: str
    change: str
    diameter: str
    size: float


def scar_lines(rows: Sequence[Row], visits: tuple[str, str]) -> list[ScarLine]:
    """Join the visits' rows of ``scars.csv``: matched scars share a line.

    Pieces of one scar, and scars that grew together, have lines of their own; the largest is with
    its partner.
    """
    before, after = (_by_id(rows, visit) for visit in visits)
    lines, paired = [], set()
    for scar_id, row in before.items():
        partner = row.get("matched_scar_id", "")
        other = after.get(partner)
        if other is not None and other.get("matched_scar_id") != scar_id:
            other = None  # the partner's own is a larger piece
        if other is not None:
            paired.add(partner)
        lines.append(_line(row, other))
    lines += [_line(None, row) for scar_id, row in after.items() if scar_id not in paired]
    return sorted(lines, key=lambda line: -line.size)


def _by_id(rows: Iterable[Row], visit: str) -> dict[str, Row]:
    return {row.get("scar_id", ""): row for row in rows if row.get("visit") == visit}


def _line(before: Row | None, after: Row | None) -> ScarLine:
    first = before or after or {}
    return ScarLine(
        (before or {}).get("scar_id", ""),
        (after or {}).get("scar_id", ""),
        first.get("fate", ""),
        _area(before),
        _area(after),
        with_sd(
            number(first.get("area_change_mm2")),
            number(first.get("area_change_sd_mm2")),
            signed=True,
        ),
        shown(number(first.get("equivalent_diameter_mm")), 1),
        max(_size(before), _size(after)),
    )


def _size(row: Row | None) -> float:
    area = number((row or {}).get("area_mm2"))
    return (area if area is not None else number((row or {}).get("area_px"))) or 0.0


def _area(row: Row | None) -> str:
    if row is None:
        return ""
    area = number(row.get("area_mm2"))
    if area is not None:
        return shown(area, 2 if area < 100 else 1)
    pixels = number(row.get("area_px"))
    return f"{shown(pixels, 0)} px" if pixels is not None else ""
