"""From the linked tables to the trial's answer."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from scarmetrics.errors import UsageError
from scarmetrics.statistics import answers as ask
from scarmetrics.statistics.comparisons import (
    compare_all,
    contrast_all,
    detectable,
    model_all,
    noise_all,
)
from scarmetrics.statistics.descriptive import (
    flag_counts,
    flow_steps,
    missing_halves,
    patient_pairs,
    summaries,
)
from scarmetrics.statistics.frames import tidy_halves
from scarmetrics.statistics.records import Analysis, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from scarmetrics.statistics.records import Cell
    from scarmetrics.statistics.reliability import Repeatability

SCHEMA = "scarmetrics.analysis/1"
_LIBRARIES = ("scarmetrics", "numpy", "scipy", "pandas", "statsmodels")


def analyse(
    halves: pd.DataFrame,
    questionnaires: pd.DataFrame | None = None,
    flow: pd.DataFrame | None = None,
    randomisation: pd.DataFrame | None = None,
    repeatability: Repeatability | None = None,
    *,
    level: float = 0.95,
) -> Analysis:
    """Compare ADSC-CM with saline within patients, and say how sure that is.

    Parameters
    ----------
    halves : pandas.DataFrame
        One row per half and visit and one per half's change (``visit`` is ``baseline``,
        ``month3`` or ``change``), with at least ``subject_id``, ``side``, ``visit``,
        ``treatment``, ``procedure``; areas and changes as in ``measurements.csv`` and
        ``changes.csv``; ``reason`` where something is missing.
    questionnaires : pandas.DataFrame, optional
        One row per answer: ``subject_id``, ``side``, ``treatment``, ``procedure``, ``kind``,
        ``event``, ``session``, ``month``, ``severity``, ``score``.
    flow, randomisation : pandas.DataFrame, optional
        Tables to be shown as they are. ``attrs['definitions']`` may define their columns.
    repeatability : Repeatability, optional
        Of photographs taken again, see `scarmetrics.statistics.repeatability`.
    level : float, optional
        Of all intervals.

    Returns
    -------
    Analysis

    Raises
    ------
    UsageError
        If a table contradicts itself; all contradictions at once.
    """
    if not 0.5 <= level < 1:
        raise UsageError(f"the confidence level is {level}", "give one such as 0.95")
    trial = tidy_halves(halves)
    answers = ask.tidy_answers(questionnaires)
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    return Analysis(
        study_id=trial.study_id,
        level=level,
        versions={
            "python": platform.python_version(),
            **versions,
        },
        flow=flow_steps(trial),
        flow_given=_table(flow),
        randomisation=_table(randomisation),
        missing=missing_halves(trial),
        baseline=summaries(trial, changes=False),
        changes=summaries(trial, changes=True),
        flags=flag_counts(trial),
        patients=patient_pairs(trial),
        comparisons=compare_all(trial, level),
        contrasts=contrast_all(trial, level),
        models=model_all(trial, level),
        noise=noise_all(trial),
        repeatability=repeatability,
        detectable=detectable(trial, repeatability),
        side_effects=ask.side_effects(answers, level),
        satisfaction=ask.satisfaction(answers, level),
        satisfaction_contrasts=ask.satisfaction_contrasts(answers),
    )


def _table(frame: pd.DataFrame | None) -> Table | None:
    if frame is None:
        return None
    columns = tuple(str(name) for name in frame.columns)
    given = frame.attrs.get("definitions", {})
    cells = zip(*(frame[name].tolist() for name in frame.columns), strict=True)
    return Table(
        columns=columns,
        definitions={name: str(given.get(name, name.replace("_", " "))) for name in columns},
        rows=tuple(tuple(_cell(cell) for cell in row) for row in cells),
    )


def _cell(cell: object) -> Cell:
    import pandas as pd

    if cell is None or pd.isna(cell):  # type: ignore[call-overload]
        return None
    return cell if isinstance(cell, str | bool | int | float) else str(cell)


def definitions(model: type[BaseModel] = Analysis, prefix: str = "") -> dict[str, str]:
    """Definition of every number of an analysis, by its path.

    Parameters
    ----------
    model : type, optional
        The record to begin with.
    prefix : str, optional
        Path of that record.

    Returns
    -------
    dict
        Path, with ``[]`` for the members of a list, to definition.
    """
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if field.description:
            found[path] = field.description
        for inner, many in _records(field.annotation):
            found |= definitions(inner, f"{path}[]." if many else f"{path}.")
    return found


def _records(annotation: Any, *, many: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    """The records inside an annotation, and whether they stand in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, many
    listed = many or getattr(annotation, "__origin__", None) is tuple
    for argument in get_args(annotation):
        yield from _records(argument, many=listed)


def as_json(analysis: Analysis) -> dict[str, Any]:
    """The analysis as plain data, with the definition of each number beside it.

    Parameters
    ----------
    analysis : Analysis
        What `analyse` returned.

    Returns
    -------
    dict
        ``schema``, ``definitions`` (by path, ``[]`` for the members of a list) and ``analysis``.
    """
    return {
        "schema": SCHEMA,
        "definitions": definitions(),
        "analysis": analysis.model_dump(mode="json"),
    }
