"""Repeated measurements: read from a table, and the answer written beside its plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from scarmetrics.errors import ManifestError, UsageError
from scarmetrics.ingest.tables import read_rows
from scarmetrics.ingest.words import fold
from scarmetrics.provenance import atomic_path, write_json, write_text
from scarmetrics.statistics import Repeatability, definitions
from scarmetrics.statistics.reliability import COLUMNS
from scarmetrics.trial_report.plots import bland_altman
from scarmetrics.trial_report.style import as_png, as_svg, drawing
from scarmetrics.units import parse_number

if TYPE_CHECKING:
    from pathlib import Path

REPEATABILITY_JSON = "repeatability.json"
_REMEDY = f"give one row per photograph with the columns {', '.join(COLUMNS)}"
_SHOWN = 20


def read_repeats(path: Path) -> pd.DataFrame:
    """Read repeated measurements from CSV or Excel.

    Parameters
    ----------
    path : pathlib.Path
        With the columns ``subject_id``, ``side``, ``repeat``, ``area_mm2``; others are ignored. An
        empty area says that the photograph could not be measured.

    Returns
    -------
    pandas.DataFrame
        As `scarmetrics.statistics.repeatability` takes it.

    Raises
    ------
    UsageError
        If it cannot be read, with every wrong cell and its line.
    """
    try:
        rows = read_rows(path)
    except ManifestError as error:
        raise UsageError(f"{path.name}: {error.problems[0].message}", _REMEDY) from None
    header = [cell.casefold() for cell in rows[0].cells] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise UsageError(f"{path.name} lacks the columns {', '.join(missing)}", _REMEDY)
    at = {name: header.index(name) for name in COLUMNS}
    records, problems = [], []
    for row in rows[1:]:
        cells = {name: row.cells[i] if i < len(row.cells) else "" for name, i in at.items()}
        empty = [name for name in COLUMNS[:3] if not cells[name]]
        if empty:
            problems.append(f"line {row.line}: {', '.join(empty)} is empty")
        area = None
        if cells["area_mm2"]:
            try:
                area = parse_number(fold(cells["area_mm2"]))
            except ValueError:
                problems.append(
                    f"line {row.line}: area_mm2 {cells['area_mm2']!r} is not a number, "
                    "such as 123.4"
                )
        records.append(
            {
                "subject_id": fold(cells["subject_id"]),
                "side": cells["side"].casefold(),
                "repeat": fold(cells["repeat"]),
                "area_mm2": area,
            }
        )
    if problems:
        more = f"\n  ... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        lines = "\n  ".join(problems[:_SHOWN])
        raise UsageError(f"{path.name} cannot be used\n  {lines}{more}\n  remedy", _REMEDY)
    return pd.DataFrame(records, columns=list(COLUMNS))


def write_repeatability(result: Repeatability, folder: Path) -> list[str]:
    """Write ``repeatability.json`` and the Bland-Altman plot.

    Parameters
    ----------
    result : Repeatability
        What `scarmetrics.statistics.repeatability` returned.
    folder : pathlib.Path
        Made when it is missing.

    Returns
    -------
    list of str
        Names of the files written.
    """
    data = result.model_dump(mode="json")
    document = {
        "schema": "scarmetrics.repeatability/1",
        "definitions": definitions(Repeatability),
        "repeatability": data,
    }
    write_json(folder / REPEATABILITY_JSON, document)
    with drawing():
        figure = bland_altman({"repeatability": data})
        assert figure is not None  # there are repeats
        write_text(folder / "bland_altman.svg", as_svg(figure))
        with atomic_path(folder / "bland_altman.png") as part:
            part.write_bytes(as_png(figure))
    return [REPEATABILITY_JSON, "bland_altman.svg", "bland_altman.png"]
