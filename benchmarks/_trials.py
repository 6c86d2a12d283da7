"""Simulated split-face trials with a known effect, as the tables that link writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

PROCEDURES = ("co2_laser", "microneedling")
EVENTS = ("erythema", "oedema")


@dataclass(frozen=True)
class Truth:
    """What a trial is drawn from; areas in mm², changes in percent of baseline.

    Attributes
    ----------
    effect_pct : float
        ADSC-CM minus saline, in points of change, averaged over procedures.
    interaction_pct : float
        How much more of it CO₂ laser has than microneedling.
    patient_sd_pct, half_sd_pct : float
        Spread of the true change between patients (common to both halves) and within them.
    repeat_cv : float
        Error of one measured area, relative.
    tail : float
        Degrees of freedom of Student's t for the spread within patients; infinite is normal.
    """

    patients: int = 30
    effect_pct: float = 0.0
    interaction_pct: float = 0.0
    response_pct: float = -25.0
    patient_sd_pct: float = 12.0
    half_sd_pct: float = 8.0
    repeat_cv: float = 0.05
    tail: float = np.inf
    missing: float = 0.0
    review: float = 0.0


def trial_halves(truth: Truth, seed: int | np.random.Generator) -> pd.DataFrame:
    """One trial as a table of halves: baseline, month 3 and change of each half.

    Parameters
    ----------
    truth : Truth
        What it is drawn from.
    seed : int or numpy.random.Generator
        Another seed, another trial.

    Returns
    -------
    pandas.DataFrame
    """
    g = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    size = g.normal(np.log(320.0), 0.45, truth.patients)  # a patient's own severity
    patient = g.normal(0, truth.patient_sd_pct, truth.patients)
    active_left = g.permutation(np.arange(truth.patients) % 2 == 0)
    for index in range(truth.patients):
        procedure = PROCEDURES[index % 2]
        sign = 0.5 if procedure == PROCEDURES[0] else -0.5
        for side in ("left", "right"):
            active = active_left[index] == (side == "left")
            own = g.standard_normal() if np.isinf(truth.tail) else _heavy(g, truth.tail)
            response = truth.response_pct + patient[index] + truth.half_sd_pct * own
            if active:
                response += truth.effect_pct + sign * truth.interaction_pct
            area = np.exp(size[index] + 0.12 * g.standard_normal())
            before, after = area, area * max(1 + response / 100, 0.02)
            measured = [a * np.exp(truth.repeat_cv * g.standard_normal()) for a in (before, after)]
            identity = {
                "study_id": "SIM",
                "subject_id": f"S{index + 1:02d}",
                "side": side,
                "treatment": "adsc_cm" if active else "saline",
                "procedure": procedure,
            }
            rows += _rows(identity, measured, truth, g)
    return pd.DataFrame(rows)


def _heavy(g: np.random.Generator, df: float) -> float:
    return float(g.standard_t(df) / np.sqrt(df / (df - 2)))


def _rows(
    identity: dict[str, object], measured: list[float], truth: Truth, g: np.random.Generator
) -> list[dict[str, object]]:
    before, after = measured
    skin = 9000.0
    lost = g.random() < truth.missing
    review = g.random() < truth.review
    quality = {
        "qc_status": "" if lost else "review" if review else "pass",
        "qc_flags": "" if lost else "flat_surface;pose_difference" if review else "flat_surface",
        "reason": "the follow-up's face is cut by the edge of the photograph" if lost else "",
    }
    none = np.nan
    areas = [
        {
            "visit": visit,
            "area_mm2": none if lost else area,
            "area_sd_mm2": none if lost else truth.repeat_cv * area,
            "projected_area_mm2": none if lost else area,
            "area_fraction": none if lost else area / skin,
            "roi_area_mm2": none if lost else skin,
            "scar_count": none if lost else round(area / 4),
        }
        for visit, area in (("baseline", before), ("month3", after))
    ]
    change = {
        "visit": "change",
        "change_mm2": none if lost else after - before,
        "change_sd_mm2": none if lost else truth.repeat_cv * float(np.hypot(before, after)),
        "change_pct": none if lost else 100 * (after / before - 1),
        "change_fraction": none if lost else (after - before) / skin,
    }
    return [{**identity, **row, **quality} for row in (*areas, change)]


def trial_answers(halves: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Questionnaires of a trial's patients: side effects per half, satisfaction per half and face.

    Parameters
    ----------
    halves : pandas.DataFrame
        As `trial_halves` makes it.
    seed : int
        Another seed, other answers.

    Returns
    -------
    pandas.DataFrame
    """
    g = np.random.default_rng(seed)
    arms = halves.drop_duplicates(["subject_id", "side"])
    rows: list[dict[str, object]] = []
    for _, half in arms.iterrows():
        who = {key: half[key] for key in ("subject_id", "side", "treatment", "procedure")}
        milder = 0.2 * (half["treatment"] == "adsc_cm")
        for session in range(1, 5):
            rows += [
                {**who, "kind": "side_effect", "event": event, "session": session,
                 "severity": int(g.binomial(3, 0.45 - milder - 0.05 * session))}
                for event in EVENTS
                if g.random() > 0.04
            ]  # fmt: skip
        rows += [
            {**who, "kind": "satisfaction", "event": "", "month": month,
             "score": int(1 + g.binomial(4, 0.55 + milder))}
            for month in (3, 6)
        ]  # fmt: skip
    for _, patient in arms.drop_duplicates("subject_id").iterrows():
        who = {key: patient[key] for key in ("subject_id", "procedure")}
        rows += [
            {**who, "side": "", "treatment": "", "kind": "satisfaction", "month": month,
             "score": int(1 + g.binomial(4, 0.6))}
            for month in (3, 6)
        ]  # fmt: skip
    return pd.DataFrame(rows)


def repeats(halves: int, seed: int, *, cv: float = 0.05, times: int = 2) -> pd.DataFrame:
    """Areas of halves that were photographed several times.

    Parameters
    ----------
    halves : int
        How many.
    seed : int
        Another seed, other areas.
    cv : float, optional
        Relative error of one measurement.
    times : int, optional
        Photographs of each.

    Returns
    -------
    pandas.DataFrame
    """
    g = np.random.default_rng(seed)
    area = np.exp(g.normal(np.log(320.0), 0.45, halves))
    return pd.DataFrame(
        [
            {
                "subject_id": f"R{index // 2 + 1:02d}",
                "side": ("left", "right")[index % 2],
                "repeat": repeat,
                "area_mm2": float(area[index] * np.exp(cv * g.standard_normal())),
            }
            for index in range(halves)
            for repeat in range(1, times + 1)
        ]
    )
