"""From a linked study to its analysis, and the report beside the linked tables."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from pydantic import ValidationError

from scarmetrics.allocation import write_linked
from scarmetrics.allocation.flow import FLOW_DEFINITIONS
from scarmetrics.allocation.writing import RANDOMISATION_DEFINITIONS
from scarmetrics.errors import UsageError
from scarmetrics.statistics import Repeatability, analyse, repeatability
from scarmetrics.trial_report.repeats import REPEATABILITY_JSON, read_repeats
from scarmetrics.trial_report.write import write_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from scarmetrics.allocation import LinkedStudy, Written
    from scarmetrics.statistics import Analysis


def analyse_linked(
    study: LinkedStudy, repeats: Repeatability | None = None, *, level: float = 0.95
) -> Analysis:
    """Compare the treatments of a linked study.

    Parameters
    ----------
    study : LinkedStudy
        What `scarmetrics.link` or `scarmetrics.read_linked` returned.
    repeats : Repeatability, optional
        Of photographs taken again.
    level : float, optional
        Of all intervals.

    Returns
    -------
    Analysis
        See `scarmetrics.statistics.analyse`.
    """
    asked = "questionnaires" in study.sources
    return analyse(
        study.halves,
        study.questionnaires if asked else None,
        flow=_defined(study.flow, FLOW_DEFINITIONS),
        randomisation=_defined(study.randomisation, RANDOMISATION_DEFINITIONS),
        repeatability=repeats,
        level=level,
    )


def write_trial(study: LinkedStudy, out: Path | str, analysis: Analysis) -> Written:
    """Write the linked tables and, made from the same study, the report: all of it or nothing.

    Parameters
    ----------
    study : LinkedStudy
        What `scarmetrics.link` returned.
    out : path
        The folder of the measurement.
    analysis : Analysis
        What `analyse_linked` returned for the study.

    Returns
    -------
    Written
        Where; see `scarmetrics.write_linked`.
    """
    return write_linked(study, out, also=partial(write_report, analysis))


def read_repeatability(path: Path) -> Repeatability:
    """Repeatability as ``scarmetrics repeatability`` wrote it, or of a table of repeats.

    Parameters
    ----------
    path : pathlib.Path
        ``repeatability.json``, or a table as `read_repeats` takes it.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if path.suffix.casefold() != ".json":
        return repeatability(read_repeats(path))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Repeatability.model_validate(document["repeatability"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise UsageError(
            f"{path.name} does not hold a repeatability",
            f"name the {REPEATABILITY_JSON} that scarmetrics repeatability --out writes, or the "
            "table of repeats",
        ) from error


def _defined(frame: pd.DataFrame, definitions: Mapping[str, str]) -> pd.DataFrame:
    defined = frame.copy()
    defined.attrs["definitions"] = dict(definitions)
    return defined
