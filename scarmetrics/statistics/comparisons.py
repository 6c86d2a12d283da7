"""The treatment's effect: comparisons within patients, contrasts between procedures, models."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.statistics.means import paired_t, welch
from scarmetrics.statistics.mixed import mixed_model
from scarmetrics.statistics.records import Beyond, Comparison, Contrast, Detectable, Model, Noise
from scarmetrics.statistics.relabel import relabel
from scarmetrics.statistics.signedrank import signed_rank
from scarmetrics.statistics.signflip import sign_flip
from scarmetrics.statistics.words import (
    ACTIVE,
    BASELINE_COLUMN,
    CONTROL,
    LABELS,
    OUTCOMES,
    POOLED,
    PRIMARY,
    PROCEDURES,
    TREATMENTS,
    UNITS,
)

if TYPE_CHECKING:
    import pandas as pd

    from scarmetrics.statistics.frames import Halves
    from scarmetrics.statistics.reliability import Repeatability
    from scarmetrics.statistics.words import Outcome

SETS = ("measured", "pass")
_FEW = "fewer than two patients with both halves"
_EQUAL = "all differences are equal: no test of the mean by t"


def compare_all(halves: Halves, level: float) -> tuple[Comparison, ...]:
    """Every outcome in both sets of halves, pooled and by procedure."""
    return tuple(
        compare_halves(halves, outcome, chosen, procedure, level)
        for chosen in SETS
        for outcome in OUTCOMES
        for procedure in (POOLED, *PROCEDURES)
    )


def compare_halves(
    halves: Halves, outcome: Outcome, chosen: str, procedure: str, level: float
) -> Comparison:
    """Within-patient difference of change, ADSC-CM minus saline.

    Parameters
    ----------
    halves : Halves
        The trial.
    outcome : {'change_mm2', 'change_pct', 'change_fraction'}
        What is compared.
    chosen : {'measured', 'pass'}
        Which halves count.
    procedure : {'pooled', 'co2_laser', 'microneedling'}
        Whose patients.
    level : float
        Of the intervals.

    Returns
    -------
    Comparison
    """
    only = None if procedure == POOLED else procedure
    pairs = halves.pairs(outcome, chosen, only)
    table = halves.table if only is None else halves.table[halves.table["procedure"] == only]
    d = differences(pairs)
    t = paired_t(d, level=level)
    note = _FEW if t is None else _EQUAL if t.t is None else ""
    return Comparison(
        id=f"{outcome}-{procedure}-{chosen}",
        role=_role(outcome, chosen, procedure),
        outcome=outcome,
        label=LABELS[outcome],
        unit=UNITS[outcome],
        procedure=procedure,
        procedure_label=LABELS[procedure],
        halves=chosen,
        halves_label=LABELS[chosen],
        patients=len(pairs),
        left_out=table["subject_id"].nunique() - len(pairs),
        adsc_cm_mean=_mean(pairs[ACTIVE]),
        saline_mean=_mean(pairs[CONTROL]),
        paired_t=t,
        sign_flip=sign_flip(d, level=level),
        signed_rank=signed_rank(d, level=level),
        note=note,
    )


def differences(pairs: pd.DataFrame) -> np.ndarray:
    """ADSC-CM minus saline, one per patient."""
    return (pairs[ACTIVE] - pairs[CONTROL]).to_numpy(float)


def _mean(column: pd.Series) -> float | None:
    return float(column.mean()) if len(column) else None


def _role(outcome: str, chosen: str, procedure: str) -> str:
    if chosen != "measured" or outcome == "change_fraction":
        return "sensitivity"
    return "primary" if (outcome, procedure) == (PRIMARY, POOLED) else "secondary"


def contrast_all(halves: Halves, level: float) -> tuple[Contrast, ...]:
    """Difference of the treatment's effects between the procedures."""
    return tuple(
        _contrast(halves, outcome, chosen, level) for chosen in SETS for outcome in OUTCOMES
    )


def _contrast(halves: Halves, outcome: Outcome, chosen: str, level: float) -> Contrast:
    first, second = (differences(halves.pairs(outcome, chosen, name)) for name in PROCEDURES)
    test = welch(first, second, level=level)
    return Contrast(
        id=f"{outcome}-{chosen}",
        outcome=outcome,
        label=LABELS[outcome],
        unit=UNITS[outcome],
        halves=chosen,
        halves_label=LABELS[chosen],
        welch=test,
        relabel=relabel(first, second),
        note="" if test else "a procedure has fewer than two patients with both halves",
    )


def model_all(halves: Halves, level: float) -> tuple[Model, ...]:
    """The mixed model of every outcome in both sets of halves."""
    models = []
    for chosen in SETS:
        for outcome in OUTCOMES:
            rows = halves.usable(outcome, chosen)
            baseline = BASELINE_COLUMN[outcome]
            rows = rows[rows[baseline].notna()]
            frame = rows[["subject_id", "treatment", "procedure"]].assign(
                change=rows[outcome], baseline=rows[baseline]
            )
            models.append(
                Model(
                    id=f"{outcome}-{chosen}",
                    outcome=outcome,
                    label=LABELS[outcome],
                    unit=UNITS[outcome],
                    halves=chosen,
                    halves_label=LABELS[chosen],
                    fit=mixed_model(frame, level=level),
                )
            )
    return tuple(models)


def noise_all(halves: Halves) -> tuple[Noise, ...]:
    """What the halves' own standard deviations say about the differences."""
    return tuple(_noise(halves, procedure) for procedure in (POOLED, *PROCEDURES))


def _noise(halves: Halves, procedure: str) -> Noise:
    pairs = halves.pairs(PRIMARY, "measured", None if procedure == POOLED else procedure)
    sds = halves.table.pivot(index="subject_id", columns="treatment", values="change_sd_mm2")
    sds = sds.reindex(pairs.index)[list(TREATMENTS)].dropna()
    variance = (sds**2).sum(axis=1).to_numpy(float)
    d = differences(pairs.loc[sds.index])
    n = len(sds)
    known = n > 0
    spread = float(d.var(ddof=1)) if n > 1 else 0.0
    return Noise(
        procedure=procedure,
        procedure_label=LABELS[procedure],
        patients=n,
        difference_sd_mm2=math.sqrt(float(variance.mean())) if known else None,
        mean_se_mm2=math.sqrt(float(variance.sum())) / n if known else None,
        variance_share=float(variance.mean()) / spread if spread else None,
    )


def detectable(halves: Halves, repeats: Repeatability | None) -> Detectable | None:
    """What repeated photographs say about the smallest change that can be told."""
    if repeats is None:
        return None
    d = differences(halves.pairs(PRIMARY, "measured"))
    spread = float(d.var(ddof=1)) if len(d) > 1 else 0.0
    rows = halves.usable(PRIMARY, "measured")
    limit = repeats.mdc95_mm2
    changes = {name: rows.loc[rows["treatment"] == name, PRIMARY] for name in TREATMENTS}
    one = 1.96 * 2 * repeats.within_sd_mm2
    return Detectable(
        half_mdc95_mm2=limit,
        difference_mdc95_mm2=one,
        mean_mdc95_mm2=one / math.sqrt(len(d)) if len(d) else None,
        variance_share=4 * repeats.within_sd_mm2**2 / spread if spread else None,
        beyond=tuple(
            Beyond(
                treatment=name,
                halves=len(change),
                shrunk=int((change < -limit).sum()),
                grown=int((change > limit).sum()),
            )
            for name, change in changes.items()
        ),
    )
