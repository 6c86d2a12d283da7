"""What the tests and models of one effect give, each number with its definition.

The descriptions of the fields are the definitions that ``analysis.json`` carries; a test sees to it
that no number is without one.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scarmetrics.models import Record

Level = float
Method = Literal["exact", "monte_carlo"]


class PairedT(Record):
    """Mean of within-patient differences with its t interval."""

    n: int = Field(description="patients with both halves measured")
    mean: float = Field(description="mean over patients of ADSC-CM half minus saline half")
    sd: float = Field(description="standard deviation of these differences between patients")
    se: float = Field(description="standard error of the mean: sd / sqrt(n)")
    df: int = Field(description="degrees of freedom: n - 1")
    t: float | None = Field(description="mean / se; empty where all differences are equal")
    p: float | None = Field(description="two-sided p of the paired t test")
    ci_low: float = Field(description="lower end of the t interval for the mean difference")
    ci_high: float = Field(description="upper end of the t interval for the mean difference")


class SignFlip(Record):
    """Randomisation test of within-patient differences: all ways to swap the halves' treatments."""

    p: float = Field(
        description="two-sided p: share of all assignments of the two treatments to the halves of "
        "each patient whose mean difference is at least as far from zero as the one observed"
    )
    ci_low: float | None = Field(
        description="smallest mean difference that the sign-flip test does not reject; empty "
        "where there are too few patients to reject anything at this level"
    )
    ci_high: float | None = Field(
        description="largest mean difference that the sign-flip test does not reject; empty as "
        "for ci_low"
    )
    method: Method = Field(description="exact, or monte_carlo for many patients")
    draws: int | None = Field(description="random assignments drawn; empty where exact")
    p_standard_error: float | None = Field(
        description="Monte Carlo standard error of p; empty where exact"
    )


class SignedRank(Record):
    """Wilcoxon's signed-rank test with the exact distribution, ties included."""

    n_nonzero: int = Field(description="differences other than zero; zeros say nothing and drop")
    w_plus: float = Field(description="sum of the ranks of the positive differences")
    p: float | None = Field(description="two-sided exact p given the ranks; empty where all zero")
    pseudomedian: float = Field(description="Hodges-Lehmann estimate: median of all pair averages")
    ci_low: float | None = Field(
        description="lower end of the distribution-free interval for the pseudomedian; empty "
        "where there are too few patients for this level"
    )
    ci_high: float | None = Field(
        description="upper end of the distribution-free interval for the pseudomedian; empty as "
        "for ci_low"
    )


class Welch(Record):
    """Difference of two means of independent patients, variances not assumed equal."""

    n_first: int = Field(description="patients with fractional CO₂ laser and both halves measured")
    n_second: int = Field(description="patients with microneedling and both halves measured")
    difference: float = Field(
        description="mean within-patient difference with CO₂ laser minus that with microneedling"
    )
    se: float = Field(description="standard error of the difference")
    df: float | None = Field(description="Welch-Satterthwaite degrees of freedom")
    t: float | None = Field(description="difference / se")
    p: float | None = Field(description="two-sided p of Welch's t test")
    ci_low: float = Field(description="lower end of Welch's interval")
    ci_high: float = Field(description="upper end of Welch's interval")


class Relabel(Record):
    """Permutation test of two groups of patients."""

    p: float = Field(
        description="two-sided p: share of all ways to deal the groups' labels to the patients "
        "whose difference of means is at least as far from zero as the one observed"
    )
    method: Method = Field(description="exact, or monte_carlo for many patients")
    draws: int | None = Field(description="random deals drawn; empty where exact")
    p_standard_error: float | None = Field(
        description="Monte Carlo standard error of p; empty where exact"
    )


class McNemar(Record):
    """Exact McNemar test of a yes or no in both halves of each patient."""

    n: int = Field(description="patients with an answer for both halves")
    both: int = Field(description="patients with yes in both halves")
    only_adsc_cm: int = Field(description="patients with yes in the ADSC-CM half only")
    only_saline: int = Field(description="patients with yes in the saline half only")
    neither: int = Field(description="patients with yes in neither half")
    risk_difference: float | None = Field(
        description="(only_adsc_cm - only_saline) / n; empty without patients"
    )
    p: float | None = Field(
        description="two-sided exact p: binomial test of only_adsc_cm among the patients whose "
        "halves differ; 1 where none differ, empty without patients"
    )


class MixedEffect(Record):
    """One effect of the mixed model."""

    name: str
    label: str
    estimate: float = Field(description="estimated effect")
    se: float = Field(description="standard error of the estimate")
    df: float = Field(description="degrees of freedom of the interval, within patients")
    t: float = Field(description="estimate / se")
    p: float = Field(description="two-sided p by Student's t with df degrees of freedom")
    ci_low: float = Field(description="lower end of the interval, estimate - t quantile x se")
    ci_high: float = Field(description="upper end of the interval, estimate + t quantile x se")


class MixedModel(Record):
    """Change explained by treatment, procedure, their interaction and baseline.

    Attributes
    ----------
    method : {'reml', 'differences', 'none'}
        ``reml`` is the mixed model; ``differences`` the regression of within-patient differences
        that takes its place where the mixed model could not be trusted; ``none`` if neither could
        be fitted. `note` says why.
    """

    formula: str
    method: Literal["reml", "differences", "none"]
    converged: bool = Field(description="whether the optimiser of the mixed model converged")
    singular: bool = Field(
        description="whether the variance between patients was estimated as zero"
    )
    note: str
    n_halves: int = Field(description="halves in the model; a patient's single half counts")
    n_patients: int = Field(description="patients in the model")
    patient_sd: float | None = Field(
        description="standard deviation of the patients' random intercepts; empty without REML"
    )
    residual_sd: float | None = Field(
        description="standard deviation of what is left within patients; of within-patient "
        "differences where the method is 'differences'"
    )
    effects: tuple[MixedEffect, ...]

    def effect(self, name: str) -> MixedEffect | None:
        """The effect of that name, or None where the model has none."""
        return next((effect for effect in self.effects if effect.name == name), None)
