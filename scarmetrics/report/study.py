"""What the index says of the whole run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.errors import REASONS
from scarmetrics.report.charts import axis_for, histogram
from scarmetrics.report.words import (
    STATUS_MARKS,
    FlagWords,
    flag_words,
    number,
    percent,
    shown,
    split_flags,
    with_sd,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from scarmetrics.report.folder import HalfKey, Row, RunFolder

_STATES = {
    "finished": "",
    "interrupted": "The run was interrupted: halves that it did not come to are missing. Run it "
    "again to finish it.",
    "running": "The run has not come to its end, or was cut off: this page shows what is there so "
    "far. Run it again to finish it.",
}


@dataclass(frozen=True)
class HalfRow:
    """A half in the table.

    Attributes
    ----------
    key : HalfKey
        Subject and side.
    page, thumbnail, result_hash : str
        Its page, its small picture (empty where there is none), its hash.
    status, mark : str
        ``qc_status`` (``none`` without a change) and its sign.
    flags : list of str
        Names.
    before, after, change, change_pct, residual, scars : tuple of (str, str)
        What is shown, and the number to sort by.
    """

    key: HalfKey
    page: str
    thumbnail: str
    result_hash: str
    status: str
    mark: str
    flags: list[str]
    before: tuple[str, str]
    after: tuple[str, str]
    change: tuple[str, str]
    change_pct: tuple[str, str]
    residual: tuple[str, str]
    scars: tuple[str, str]


@dataclass(frozen=True)
class FailureGroup:
    """Everything that failed for one reason."""

    reason_code: str
    meaning: str
    remedy: str
    rows: list[Row]


def state_words(folder: RunFolder) -> str:
    """Why the run is not whole; empty if it is."""
    unknown = f"The run's state is '{folder.state}': this page may not show all of it."
    return _STATES.get(folder.state, unknown)


def half_rows(
    folder: RunFolder, pages: Mapping[HalfKey, str], hashes: Mapping[HalfKey, str]
) -> list[HalfRow]:
    """One row for each half."""
    return [_half_row(folder, key, pages[key], hashes[key]) for key in pages]


def _half_row(folder: RunFolder, key: HalfKey, page: str, result_hash: str) -> HalfRow:
    changes = folder.rows_of("changes", key)
    change = changes[0] if changes else {}
    visits = {row.get("visit", ""): row for row in folder.rows_of("measurements", key)}
    before, after = (
        visits.get(change.get(name) or str(folder.setting(f"pairing.{name}") or default), {})
        for name, default in (("baseline_visit", "baseline"), ("follow_up_visit", "month3"))
    )
    names = split_flags(change.get("qc_flags", ""))
    names += [name for row in visits.values() for name in split_flags(row.get("qc_flags", ""))]
    status = change.get("qc_status", "")
    view = folder.views.get(key)
    thumbnail = view.thumbnail if view and folder.holds(view.thumbnail) else ""
    pct = number(change.get("change_pct"))
    residual = number(change.get("registration_residual_mm"))
    return HalfRow(
        key, page, thumbnail, result_hash,
        status if status in STATUS_MARKS else "none",
        STATUS_MARKS.get(status, "○"),
        sorted(set(names)),
        _area(before), _area(after), _change(change),
        (shown(pct, 0, signed=True), _sortable(pct)),
        (shown(residual, 2), _sortable(residual)),
        _scars(before, after),
    )  # fmt: skip


def _sortable(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _area(row: Row) -> tuple[str, str]:
    area = number(row.get("area_mm2"))
    fraction = number(row.get("area_fraction"))
    if area is None and fraction is not None:
        return f"{percent(fraction)} %", _sortable(fraction)
    return with_sd(area, number(row.get("area_sd_mm2"))), _sortable(area)


def _change(row: Row) -> tuple[str, str]:
    change = number(row.get("change_mm2"))
    fraction = number(row.get("change_fraction"))
    if change is None and fraction is not None:
        return f"{percent(fraction, signed=True)} points", _sortable(fraction)
    text = with_sd(change, number(row.get("change_sd_mm2")), signed=True)
    return text, _sortable(change)


def _scars(before: Row, after: Row) -> tuple[str, str]:
    counts = [number(row.get("scar_count")) for row in (before, after)]
    return " → ".join(shown(count, 0) for count in counts), _sortable(counts[0])


def flag_counts(rows: Sequence[HalfRow]) -> list[tuple[FlagWords, int]]:
    """Every flag with the number of its halves; what asks for a look first, then the frequent."""
    counts = Counter(name for row in rows for name in row.flags)
    found = [(flag_words(name), count) for name, count in counts.items()]
    return sorted(found, key=lambda pair: (pair[0].severity == "info", -pair[1], pair[0].name))


def status_counts(rows: Sequence[HalfRow]) -> dict[str, int]:
    """Number of halves by status; ``none`` only where there are any."""
    counts = Counter(row.status for row in rows)
    known = {status: counts[status] for status in STATUS_MARKS}
    return known | ({"none": counts["none"]} if counts["none"] else {})


def failure_groups(folder: RunFolder) -> list[FailureGroup]:
    """Failures by reason, each with its remedy once."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in folder.failures:
        reason = row.get("reason_code", ""), row.get("remedy", "")
        groups.setdefault(reason, []).append(row)
    return [
        FailureGroup(code, REASONS[code].meaning if code in REASONS else "", remedy, rows)
        for (code, remedy), rows in groups.items()
    ]


def charts(folder: RunFolder) -> list[tuple[str, Markup]]:
    """Distributions with their captions: area at both visits on one axis, and change.

    In mm² where all halves have a scale, else as shares of the measured skin, since not all of
    them could be shown otherwise.
    """
    scaled = all(number(row.get("change_mm2")) is not None for row in folder.changes)
    column, unit, factor = ("area_mm2", "mm²", 1.0) if scaled else ("area_fraction", "%", 100.0)
    areas: dict[str, list[float]] = {}
    for row in folder.changes:
        for visit in (row.get("baseline_visit", ""), row.get("follow_up_visit", "")):
            areas.setdefault(visit, [])
    for row in folder.measurements:
        value = number(row.get(column))
        if value is not None and row.get("visit") in areas:
            areas[row["visit"]].append(value * factor)
    known = {visit: values for visit, values in areas.items() if values}
    found: list[tuple[str, Markup]] = []
    if known:
        axis = axis_for([value for values in known.values() for value in values], zero=True)
        for visit, values in known.items():
            title = f"Scar area at {visit}"
            found.append((f"{title}, {unit}", histogram(values, axis, title, unit)))
    column, unit = ("change_mm2", "mm²") if scaled else ("change_fraction", "% points")
    cells = [number(row.get(column)) for row in folder.changes]
    change = [cell * factor for cell in cells if cell is not None]
    if change:
        axis = axis_for(change, zero=True)
        found.append((f"Change, {unit}", histogram(change, axis, "Change of scar area", unit)))
    return found
