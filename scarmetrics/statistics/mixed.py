"""Linear mixed model of the change of each half, with the patient as random effect.

    change ~ treatment * procedure + baseline + (1 | patient)

Treatment and procedure are coded -1/2 and +1/2, so that the treatment's coefficient is its effect
averaged over the two procedures with equal weight, and the interaction's is the difference of its
effects between them. Unlike the paired analysis it adjusts for the halves' baselines and keeps a
patient of whom one half was measured.

statsmodels' own intervals use the normal distribution, which is too narrow for 30 patients. Here
they use Student's t with the degrees of freedom within patients: halves - patients - the three
coefficients that vary within patients (treatment, interaction, baseline).

A random intercept cannot describe halves of a face that are *less* alike than halves of different
faces. Its variance is then estimated as zero, the two halves are taken for independent, and the
treatment's interval comes out too narrow. Then, and where the optimiser fails, the regression of
within-patient differences takes its place, which is valid whatever the correlation.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from scarmetrics.statistics.results import MixedEffect, MixedModel
from scarmetrics.statistics.words import ACTIVE, CONTROL, PROCEDURES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FORMULA = "change ~ treatment * procedure + baseline + (1 | patient)"
_LABELS = {
    "treatment": "ADSC-CM minus saline, both procedures",
    "treatment_co2_laser": "ADSC-CM minus saline, CO₂ laser",
    "treatment_microneedling": "ADSC-CM minus saline, microneedling",
    "interaction": "CO₂ laser minus microneedling, of the treatment's effect",
    "baseline": "per unit of baseline",
}
_LABELS_OF_ONE = {"treatment": "ADSC-CM minus saline", "baseline": _LABELS["baseline"]}
_SINGULAR = 1e-6  # variance between patients over that within
_LEAST_PATIENTS = 6


_WITHIN = ("treatment", "interaction", "baseline")


@dataclass(frozen=True)
class _Design:
    """Named columns of a model, with a row for each observation."""

    names: tuple[str, ...]
    x: Floats

    @property
    def within(self) -> int:
        """How many of the columns vary within patients."""
        return sum(name in _WITHIN for name in self.names)

    def combinations(self) -> dict[str, Floats]:
        """What is reported, as weights of the columns."""
        wanted = {"treatment": {"treatment": 1.0}}
        if "interaction" in self.names:
            for name, code in zip(PROCEDURES, (0.5, -0.5), strict=True):
                wanted[f"treatment_{name}"] = {"treatment": 1.0, "interaction": code}
            wanted["interaction"] = {"interaction": 1.0}
        if "baseline" in self.names:
            wanted["baseline"] = {"baseline": 1.0}
        return {
            key: np.array([weights.get(name, 0.0) for name in self.names])
            for key, weights in wanted.items()
        }


def mixed_model(frame: pd.DataFrame, *, level: float = 0.95) -> MixedModel:
    """Fit the mixed model by REML.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per half, none missing: ``subject_id``, ``treatment``, ``procedure``, ``change``
        and ``baseline``.
    level : float, optional
        Of the intervals.

    Returns
    -------
    MixedModel
        `method` says which model it became, `note` why.

    References
    ----------
    .. [1] N. M. Laird, J. H. Ware (1982), Biometrics 38:963.
    .. [2] M. G. Kenward, J. H. Roger (1997), Biometrics 53:983, on small samples.
    """
    frame = frame.sort_values(["subject_id", "treatment"], kind="stable")
    design = _design(frame)
    patients = frame["subject_id"].nunique()
    empty = MixedModel(
        formula=FORMULA,
        method="none",
        converged=False,
        singular=False,
        note="",
        n_halves=len(frame),
        n_patients=patients,
        patient_sd=None,
        residual_sd=None,
        effects=(),
    )
    df = len(frame) - patients - design.within
    if patients < _LEAST_PATIENTS or df < 1 or frame["treatment"].nunique() < 2:
        return empty.model_copy(update={"note": "too few halves for the model"})
    change = frame["change"].to_numpy(float)
    if np.ptp(change) == 0:
        return empty.model_copy(update={"note": "all changes are equal"})
    fit = _reml(change, design.x, frame["subject_id"].to_numpy())
    if fit.converged and not fit.singular:
        return empty.model_copy(
            update={
                "method": "reml",
                "converged": True,
                "patient_sd": fit.patient_sd,
                "residual_sd": fit.residual_sd,
                "effects": _effects(design, fit.beta, fit.covariance, df, level),
            }
        )
    why = (
        "the variance between patients was estimated as zero"
        if fit.singular
        else f"the mixed model did not converge ({fit.problem})"
    )
    return _differences(frame, empty, fit, why, level)


def _varies(x: Floats) -> bool:
    return len(np.unique(x)) > 1


def _design(frame: pd.DataFrame) -> _Design:
    treatment = np.where(frame["treatment"] == ACTIVE, 0.5, -0.5)
    baseline = frame["baseline"].to_numpy(float)
    columns = {"intercept": np.ones(len(frame)), "treatment": treatment}
    if _varies(baseline):
        columns["baseline"] = baseline - baseline.mean()
    if frame["procedure"].nunique() == 2:
        columns["procedure"] = np.where(frame["procedure"] == PROCEDURES[0], 0.5, -0.5)
        columns["interaction"] = treatment * columns["procedure"]
    return _Design(tuple(columns), np.column_stack(list(columns.values())))


@dataclass(frozen=True)
class _Fit:
    converged: bool
    singular: bool
    problem: str = ""
    beta: Any = None
    covariance: Any = None
    patient_sd: float | None = None
    residual_sd: float | None = None


def _reml(change: Floats, x: Floats, patients: Any) -> _Fit:
    """Fit in units of the data's own spread, in which the optimiser's tolerances make sense."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    scale = np.where(np.ptp(x, axis=0) > 0, np.abs(x).max(axis=0), 1.0)
    unit = float(change.std())
    if np.linalg.matrix_rank(x / scale) < x.shape[1]:
        return _Fit(converged=False, singular=False, problem="the columns are not independent")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            fit: Any = MixedLM(change / unit, x / scale, groups=patients).fit(
                reml=True, method=["bfgs", "lbfgs", "powell"]
            )
        except (np.linalg.LinAlgError, ValueError, ZeroDivisionError) as error:
            return _Fit(converged=False, singular=False, problem=str(error) or "singular matrix")
        between, within = float(np.asarray(fit.cov_re)[0, 0]), float(fit.scale)
        covariance = np.asarray(fit.cov_params())[: x.shape[1], : x.shape[1]]
    singular = bool(between < _SINGULAR * within)
    sound = bool(np.isfinite(covariance).all() and (np.diag(covariance) > 0).all())
    problem = "" if fit.converged else "; ".join(sorted({str(w.message) for w in told}))
    return _Fit(
        converged=bool(fit.converged) and sound,
        singular=singular,
        problem=problem or "the covariance of the estimates is not positive",
        beta=np.asarray(fit.fe_params) * unit / scale,
        covariance=covariance * unit**2 / np.outer(scale, scale),
        patient_sd=math.sqrt(max(between, 0.0)) * unit,
        residual_sd=math.sqrt(within) * unit,
    )


def _differences(
    frame: pd.DataFrame, empty: MixedModel, fit: _Fit, why: str, level: float
) -> MixedModel:
    """Regress within-patient differences on procedure and on the difference of baselines."""
    update: dict[str, Any] = {"converged": fit.converged, "singular": fit.singular}
    wide = frame.pivot_table(
        index=["subject_id", "procedure"], columns="treatment", values=["change", "baseline"]
    ).dropna()
    change, baseline = (
        (wide[name][ACTIVE] - wide[name][CONTROL]).to_numpy(float)
        for name in ("change", "baseline")
    )
    # in differences the intercept and the procedure's own effect fall out
    columns = {"treatment": np.ones(len(wide))}
    if _varies(baseline):
        columns["baseline"] = baseline
    procedure = wide.index.get_level_values("procedure")
    if procedure.nunique() == 2:
        columns["interaction"] = np.where(procedure == PROCEDURES[0], 0.5, -0.5)
    x = np.column_stack(list(columns.values()))
    df = len(wide) - x.shape[1]
    if df < 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        return empty.model_copy(update={**update, "note": f"{why}; too few pairs for differences"})
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ change
    variance = float(((change - x @ beta) ** 2).sum()) / df
    if not variance:
        return empty.model_copy(update={**update, "note": f"{why}; the differences fit exactly"})
    design = _Design(tuple(columns), x)
    update |= {
        "method": "differences",
        "note": f"{why}: regression of within-patient differences instead",
        "n_halves": 2 * len(wide),
        "n_patients": len(wide),
        "residual_sd": math.sqrt(variance),
        "effects": _effects(design, beta, variance * inverse, df, level),
    }
    return empty.model_copy(update=update)


def _effects(
    design: _Design, beta: Floats, covariance: Floats, df: float, level: float
) -> tuple[MixedEffect, ...]:
    quantile = float(stats.t.ppf((1 + level) / 2, df))
    effects = []
    for name, weights in design.combinations().items():
        estimate = float(weights @ beta)
        se = math.sqrt(float(weights @ covariance @ weights))
        effects.append(
            MixedEffect(
                name=name,
                label=_LABELS[name] if "interaction" in design.names else _LABELS_OF_ONE[name],
                estimate=estimate,
                se=se,
                df=float(df),
                t=estimate / se,
                p=float(2 * stats.t.sf(abs(estimate / se), df)),
                ci_low=estimate - quantile * se,
                ci_high=estimate + quantile * se,
            )
        )
    return tuple(effects)
