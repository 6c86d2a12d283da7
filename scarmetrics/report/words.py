"""Numbers and flags as people read them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scarmetrics.flags import FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scarmetrics.report.folder import Row, RunFolder

NONE = "–"
STATUS_MARKS = {"pass": "●", "review": "▲", "fail": "■"}
SCALE_SOURCES = {
    "manifest": "the manifest",
    "device": "the device (config)",
    "marker": "a printed marker",
    "colorchecker": "the colour chart",
    "dpi": "the file's resolution",
    "follow_up": "the baseline, carried over",
    "iris": "the width of the irises",
}
_UNITS = {"_mm": "mm", "_mm2": "mm²", "_deg": "°", "mm_per_px": "mm/px", "_fraction": "%"}


def number(text: str | None) -> float | None:
    """A cell as a finite number; None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def decimals(sd: float | None) -> int:
    """Decimals that a standard deviation supports."""
    return 2 if (sd or 0) < 1 else 1 if (sd or 0) < 10 else 0


def shown(value: float | None, digits: int = 1, *, signed: bool = False) -> str:
    """A number with a true minus sign; a dash where there is none."""
    if value is None:
        return NONE
    if round(value, digits) == 0:
        value = 0.0
    sign = "+" if signed and value else ""
    return f"{value:{sign}.{digits}f}".replace("-", "−")


def with_sd(value: float | None, sd: float | None, *, signed: bool = False) -> str:
    """A number and its standard deviation, to the decimals that it supports."""
    if value is None:
        return NONE
    digits = 1 if sd is None else decimals(sd)
    text = shown(value, digits, signed=signed)
    return text if sd is None else f"{text} ± {sd:.{digits}f}"


def percent(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """A fraction as a percentage, without the sign."""
    return shown(None if value is None else 100 * value, digits, signed=signed)


@dataclass(frozen=True)
class FlagWords:
    """A flag as a page explains it.

    Attributes
    ----------
    name, severity, meaning : str
        From the registry; the meaning says so where it is not known there.
    visits : tuple of str
        Visits that it concerns; none where it concerns the pair.
    evidence : str
        The numbers it was set by, with the limit.
    """

    name: str
    severity: str
    meaning: str
    visits: tuple[str, ...] = ()
    evidence: str = ""


def split_flags(cell: str) -> list[str]:
    """Names in a ``qc_flags`` cell."""
    return [name for name in (part.strip() for part in cell.split(";")) if name]


def flag_words(name: str) -> FlagWords:
    """What a flag means, in general."""
    if name not in FLAGS:
        return FlagWords(name, "review", "this version of scarmetrics does not know this flag")
    return FlagWords(name, FLAGS[name].severity, FLAGS[name].description)


def explained_flags(
    folder: RunFolder, change: Row | None, measurements: Mapping[str, Row]
) -> list[FlagWords]:
    """Every flag of a half with its numbers; what asks for a look first.

    Parameters
    ----------
    folder : RunFolder
        OUT, for the limits.
    change : Row or None
        The half's row of ``changes.csv``.
    measurements : mapping of str to Row
        Its rows of ``measurements.csv``, by visit.
    """
    at = {visit: split_flags(row.get("qc_flags", "")) for visit, row in measurements.items()}
    names = {name for flags in at.values() for name in flags}
    names.update(split_flags((change or {}).get("qc_flags", "")))
    found = []
    for name in sorted(names):
        words = flag_words(name)
        visits = tuple(visit for visit, flags in at.items() if name in flags)
        where = visits if len(visits) < len(measurements) else ()
        rows = [measurements[visit] for visit in (visits or measurements)]
        evidence = _evidence(folder, name, [*rows, *([change] if change else [])])
        found.append(FlagWords(name, words.severity, words.meaning, where, evidence))
    return sorted(found, key=lambda flag: flag.severity == "info")


def _evidence(folder: RunFolder, name: str, rows: Iterable[Row]) -> str:
    if name not in FLAGS or not FLAGS[name].column:
        return ""
    column, key = FLAGS[name].evidence
    # the same number stands in both rows where it is the pair's
    values = dict.fromkeys(value for row in rows if (value := number(row.get(column))) is not None)
    unit = next((unit for end, unit in _UNITS.items() if column.endswith(end)), "")
    factor = 100 if unit == "%" else 1
    label = column.removesuffix("_mm").removesuffix("_deg").removesuffix("_fraction")
    text = f"{label.replace('_', ' ')} " + ", ".join(
        _with_unit(value * factor, unit) for value in values
    )
    limit = folder.setting(key)
    return f"{text}; limit {_limit(limit, factor, key)}" if limit is not None else text


def _limit(limit: Any, factor: float, key: str) -> str:
    values = limit if isinstance(limit, list | tuple) else [limit]
    # some limits are not in the unit of the number: they name their own
    own = next((unit for end, unit in _UNITS.items() if key.endswith(end)), "")
    own = "px" if key.endswith("_px") else own or ("%" if factor == 100 else "")
    try:
        texts = [_with_unit(float(value) * factor, own) for value in values]
    except (TypeError, ValueError):
        return NONE
    return " to ".join(texts)


def _with_unit(value: float, unit: str) -> str:
    text = f"{value:.3g}".replace("-", "−")
    return f"{text}{unit}" if unit == "°" else f"{text} {unit}".strip()
