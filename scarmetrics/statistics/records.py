"""The analysis of a trial as frozen records; descriptions of numbers are their definitions."""

from __future__ import annotations

from pydantic import Field

from scarmetrics.models import Record
from scarmetrics.statistics.reliability import Repeatability
from scarmetrics.statistics.results import (
    McNemar,
    MixedModel,
    PairedT,
    Relabel,
    SignedRank,
    SignFlip,
    Welch,
)

Cell = str | int | float | bool | None


class Table(Record):
    """A table that came from outside and is shown as it is."""

    columns: tuple[str, ...]
    definitions: dict[str, str]
    rows: tuple[tuple[Cell, ...], ...] = Field(
        description="cells in the order of columns, each defined in definitions"
    )


class FlowStep(Record):
    """How many patients and halves of one procedure are left at each step."""

    procedure: str
    patients: int = Field(description="patients in the table of halves")
    halves: int = Field(description="halves allocated: two per patient")
    halves_baseline: int = Field(description="halves whose baseline area was measured")
    halves_month3: int = Field(description="halves whose month-3 area was measured")
    halves_changed: int = Field(description="halves with a change that can be analysed")
    halves_pass: int = Field(description="of these, halves with quality status pass")
    halves_review: int = Field(description="of these, halves with quality status review")
    pairs: int = Field(description="patients with both halves in the primary comparison")
    pairs_pass: int = Field(description="patients with both halves, both with quality status pass")


class MissingHalf(Record):
    """A half without a change, and why. Nothing is put in its place."""

    subject_id: str
    side: str
    treatment: str
    procedure: str
    lacks: str
    reason: str


class MissingCount(Record):
    """Halves without a change by treatment and reason."""

    treatment: str
    procedure: str
    reason: str
    halves: int = Field(description="halves without a change for this reason")


class Missing(Record):
    """What could not be measured."""

    halves: tuple[MissingHalf, ...]
    counts: tuple[MissingCount, ...]
    by_treatment: McNemar = Field(description="of halves missing, over all patients")


class Summary(Record):
    """Distribution of one variable in one group of halves."""

    variable: str
    label: str
    unit: str
    procedure: str
    treatment: str
    n: int = Field(description="halves with a value")
    n_missing: int = Field(description="halves without one")
    mean: float | None = Field(description="mean; empty without a value")
    sd: float | None = Field(description="standard deviation; empty for fewer than two values")
    median: float | None = Field(description="median")
    q1: float | None = Field(description="lower quartile")
    q3: float | None = Field(description="upper quartile")
    minimum: float | None = Field(description="smallest value")
    maximum: float | None = Field(description="largest value")


class FlagCount(Record):
    """How often a quality flag was set on the halves' changes."""

    flag: str
    severity: str
    description: str
    adsc_cm: int = Field(description="ADSC-CM halves with the flag")
    saline: int = Field(description="saline halves with the flag")


class PatientPair(Record):
    """Both halves' changes of one patient, as the figures show them."""

    subject_id: str
    procedure: str
    adsc_cm_side: str
    adsc_cm_mm2: float | None = Field(description="change of the ADSC-CM half, mm²")
    saline_mm2: float | None = Field(description="change of the saline half, mm²")
    adsc_cm_pct: float | None = Field(description="change of the ADSC-CM half, percent")
    saline_pct: float | None = Field(description="change of the saline half, percent")
    adsc_cm_fraction: float | None = Field(
        description="change of the ADSC-CM half, fraction of skin"
    )
    saline_fraction: float | None = Field(description="change of the saline half, fraction of skin")
    both_pass: bool


class Comparison(Record):
    """ADSC-CM against saline within patients: one outcome, one group, one set of halves.

    Attributes
    ----------
    role : {'primary', 'secondary', 'sensitivity'}
        What was declared the trial's answer, and what stands beside it.
    """

    id: str
    role: str
    outcome: str
    label: str
    unit: str
    procedure: str
    procedure_label: str
    halves: str
    halves_label: str
    patients: int = Field(description="patients with both halves in this comparison")
    left_out: int = Field(description="patients of this group without both halves; not imputed")
    adsc_cm_mean: float | None = Field(
        description="mean change of the ADSC-CM halves of these patients"
    )
    saline_mean: float | None = Field(
        description="mean change of the saline halves of these patients"
    )
    paired_t: PairedT | None
    sign_flip: SignFlip | None
    signed_rank: SignedRank | None
    note: str


class Contrast(Record):
    """Whether the treatment's effect differs between the procedures."""

    id: str
    outcome: str
    label: str
    unit: str
    halves: str
    halves_label: str
    welch: Welch | None
    relabel: Relabel | None
    note: str


class Model(Record):
    """The mixed model of one outcome in one set of halves."""

    id: str
    outcome: str
    label: str
    unit: str
    halves: str
    halves_label: str
    fit: MixedModel


class Noise(Record):
    """What measurement error does to the primary comparison, by the tables' own uncertainty."""

    procedure: str
    procedure_label: str
    patients: int = Field(
        description="patients in the primary comparison whose changes both have change_sd_mm2"
    )
    difference_sd_mm2: float | None = Field(
        description="standard deviation of one patient's difference by measurement error alone: "
        "root mean square over patients of the two halves' change_sd_mm2 added in quadrature, mm²"
    )
    mean_se_mm2: float | None = Field(
        description="standard error of the mean difference by measurement error alone, mm²; it is "
        "part of the interval already, not in addition to it"
    )
    variance_share: float | None = Field(
        description="share of the variance of the differences that measurement error accounts "
        "for; above 1 where it is overstated or the sample is small"
    )


class Beyond(Record):
    """Halves whose change exceeds what measurement error explains."""

    treatment: str
    halves: int = Field(description="halves with a change in mm²")
    shrunk: int = Field(description="halves whose scar area fell by more than half_mdc95")
    grown: int = Field(description="halves whose scar area rose by more than half_mdc95")


class Detectable(Record):
    """What can be told from measurement error, by repeated photographs."""

    half_mdc95_mm2: float = Field(
        description="minimum detectable change of one half: 1.96 x sqrt(2) x within_sd, mm²"
    )
    difference_mdc95_mm2: float = Field(
        description="minimum detectable difference of the two halves' changes in one patient: "
        "1.96 x 2 x within_sd, mm²"
    )
    mean_mdc95_mm2: float | None = Field(
        description="the same for the mean of the primary comparison's patients: "
        "difference_mdc95 / sqrt(patients), mm²; measurement error only"
    )
    variance_share: float | None = Field(
        description="share of the variance of the primary comparison's differences that "
        "4 x within_sd² accounts for"
    )
    beyond: tuple[Beyond, ...]


class Level(Record):
    """How often one value of an ordinal scale was given."""

    value: float = Field(description="value of the scale")
    adsc_cm: int = Field(description="answers of this value for ADSC-CM halves")
    saline: int = Field(description="answers of this value for saline halves")
    patient: int = Field(description="answers of this value for whole patients")


class SideEffect(Record):
    """One side effect, one week after one session or after any, compared within patients."""

    event: str
    session: str
    procedure: str
    procedure_label: str
    adsc_cm_answers: int = Field(description="ADSC-CM halves with an answer")
    saline_answers: int = Field(description="saline halves with an answer")
    adsc_cm_events: int = Field(description="of the ADSC-CM answers, halves with the side effect")
    saline_events: int = Field(description="of the saline answers, halves with the side effect")
    mcnemar: McNemar = Field(description="of patients by the sessions answered for both halves")
    severity: SignedRank | None = Field(
        description="of the within-patient difference of the worst severity, ADSC-CM minus saline"
    )


class Satisfaction(Record):
    """Satisfaction at one month: per half compared within patients, per patient described."""

    month: str
    procedure: str
    procedure_label: str
    unit: str
    n: int = Field(description="patients with an answer: for both halves, or one for the face")
    levels: tuple[Level, ...]
    adsc_cm_median: float | None = Field(description="median score of the ADSC-CM halves")
    saline_median: float | None = Field(description="median score of the saline halves")
    patient_median: float | None = Field(description="median score of answers for whole patients")
    signed_rank: SignedRank | None


class SatisfactionContrast(Record):
    """Satisfaction with the whole face between the procedures."""

    month: str
    n_co2_laser: int = Field(description="patients with CO₂ laser who answered")
    n_microneedling: int = Field(description="patients with microneedling who answered")
    ranks: Relabel | None = Field(
        description="Wilcoxon-Mann-Whitney test of the scores, exact with ties"
    )


class Analysis(Record):
    """Everything that the trial's report says, and nothing that it does not."""

    study_id: str
    level: float = Field(description="confidence level of all intervals")
    versions: dict[str, str]
    flow: tuple[FlowStep, ...]
    flow_given: Table | None
    randomisation: Table | None
    missing: Missing
    baseline: tuple[Summary, ...]
    changes: tuple[Summary, ...]
    flags: tuple[FlagCount, ...]
    patients: tuple[PatientPair, ...]
    comparisons: tuple[Comparison, ...]
    contrasts: tuple[Contrast, ...]
    models: tuple[Model, ...]
    noise: tuple[Noise, ...]
    repeatability: Repeatability | None
    detectable: Detectable | None
    side_effects: tuple[SideEffect, ...]
    satisfaction: tuple[Satisfaction, ...]
    satisfaction_contrasts: tuple[SatisfactionContrast, ...]

    @property
    def primary(self) -> Comparison:
        """The declared answer: change in mm², both procedures, all measured halves."""
        return next(c for c in self.comparisons if c.role == "primary")
