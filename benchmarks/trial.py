"""Do the trial's tests keep their promises? Simulated split-face trials with a known effect.

For each analysis: how often it rejects where there is no effect (type I error), how often its
interval covers the true effect, its bias, and its power at effects of 5, 10 and 15 points. Beside
them the analysis that forgets which halves belong to one face, which is what most split-body trials
that go wrong do. Outcome: change in percent of baseline.

Run:  python benchmarks/trial.py [--trials N] [--seed N]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from _common import print_table, write_json
from _trials import PROCEDURES, Truth, trial_halves
from scipy import stats

from scarmetrics.statistics import mixed_model, paired_t, sign_flip_p, signed_rank, welch

if TYPE_CHECKING:
    import pandas as pd

OUTCOME = "change_pct"
EFFECTS = (5.0, 10.0, 15.0)
SCENARIOS = {
    "no effect": Truth(),
    "effect of 10 points": Truth(effect_pct=-10.0),
    "effect of 10, 6 more with laser": Truth(effect_pct=-10.0, interaction_pct=-6.0),
    "heavy tails (t, 3 df)": Truth(tail=3.0),
    "one in ten halves missing": Truth(effect_pct=-10.0, missing=0.1),
    "12 patients": Truth(patients=12),
    "faces do not differ": Truth(patient_sd_pct=0.0),
}


class Answer(NamedTuple):
    """What one analysis says about one trial."""

    estimate: float
    rejected: bool
    covered: bool
    width: float
    truth: float


def answers(halves: pd.DataFrame, truth: Truth) -> dict[str, Answer]:
    """Every analysis of one trial."""
    table = halves[(halves["visit"] == "change") & halves[OUTCOME].notna()]
    wide = table.pivot(index=["subject_id", "procedure"], columns="treatment", values=OUTCOME)
    both = wide.dropna()
    d = (both["adsc_cm"] - both["saline"]).to_numpy(float)
    effect = truth.effect_pct
    t = paired_t(d)
    ranks = signed_rank(d)
    assert t is not None
    assert ranks is not None
    found = {
        "paired t": _answer(t.mean, t.p, t.ci_low, t.ci_high, effect),
        # p at the true effect decides whether the inverted interval holds it
        "sign-flip": Answer(
            t.mean, sign_flip_p(d) <= 0.05, sign_flip_p(d, effect) > 0.05, np.nan, effect
        ),
        "signed-rank": _answer(ranks.pseudomedian, ranks.p, ranks.ci_low, ranks.ci_high, effect),
    }
    procedure = both.index.get_level_values("procedure")
    groups = [d[procedure == name] for name in PROCEDURES]
    contrast = welch(*groups)
    if contrast is not None:
        found["contrast, Welch"] = _answer(
            contrast.difference, contrast.p, contrast.ci_low, contrast.ci_high,
            truth.interaction_pct,
        )  # fmt: skip
    found["mixed model"], found["(of them by differences)"] = _mixed(halves, table, effect)
    arms = [table.loc[table["treatment"] == name, OUTCOME] for name in ("adsc_cm", "saline")]
    naive = stats.ttest_ind(*arms, equal_var=False)
    interval = naive.confidence_interval(0.95)
    found["unpaired"] = _answer(
        arms[0].mean() - arms[1].mean(), naive.pvalue, interval.low, interval.high, effect
    )
    return found


def _answer(
    estimate: float, p: float | None, low: float | None, high: float | None, truth: float
) -> Answer:
    assert p is not None
    assert low is not None
    assert high is not None
    return Answer(estimate, p <= 0.05, low <= truth <= high, high - low, truth)


def _mixed(halves: pd.DataFrame, table: pd.DataFrame, effect: float) -> tuple[Answer, Answer]:
    keys = ["subject_id", "treatment"]
    baseline = halves.loc[halves["visit"] == "baseline", [*keys, "area_mm2"]]
    frame = table[[*keys, "procedure", OUTCOME]].merge(baseline, on=keys)
    frame = frame.rename(columns={OUTCOME: "change", "area_mm2": "baseline"})
    fit = mixed_model(frame)
    e = fit.effect("treatment")
    assert e is not None
    answer = _answer(e.estimate, e.p, e.ci_low, e.ci_high, effect)
    return answer, answer._replace(rejected=fit.method == "differences")


def run(truth: Truth, *, trials: int, seed: int) -> dict[str, dict[str, float]]:
    """Figures of each analysis over many trials.

    Parameters
    ----------
    truth : Truth
        What the trials are drawn from.
    trials : int
        How many.
    seed : int
        Another seed, other trials.

    Returns
    -------
    dict
        By analysis: shares ``rejected`` and ``covered``, ``bias``, ``sd`` of the estimate and
        mean ``width`` of the interval.
    """
    g = np.random.default_rng(seed)
    collected: dict[str, list[Answer]] = defaultdict(list)
    for _ in range(trials):
        for name, answer in answers(trial_halves(truth, g), truth).items():
            collected[name].append(answer)
    return {
        name: {
            "rejected": float(np.mean([a.rejected for a in found])),
            "covered": float(np.mean([a.covered for a in found])),
            "bias": float(np.mean([a.estimate - a.truth for a in found])),
            "sd": float(np.std([a.estimate for a in found], ddof=1)),
            "width": float(np.mean([a.width for a in found])),
        }
        for name, found in collected.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    figures = {}
    for name, truth in SCENARIOS.items():
        figures[name] = run(truth, trials=given.trials, seed=given.seed)
        print_table(
            f"{name}: {given.trials} trials of {truth.patients} patients",
            ("analysis", "rejects, %", "covers, %", "bias, points", "SD", "interval's width"),
            [
                (
                    method,
                    f"{100 * row['rejected']:.1f}",
                    f"{100 * row['covered']:.1f}",
                    f"{row['bias']:+.2f}",
                    f"{row['sd']:.2f}",
                    f"{row['width']:.1f}" if np.isfinite(row["width"]) else "",
                )
                for method, row in figures[name].items()
            ],
        )
    power = {
        f"{effect:g}": run(Truth(effect_pct=-effect), trials=given.trials, seed=given.seed)
        for effect in EFFECTS
    }
    methods = [name for name in power["5"] if not name.startswith(("(", "contrast"))]
    print_table(
        "Power, % of trials that reject, by the true effect in points",
        ("analysis", *power),
        [
            (method, *(f"{100 * power[effect][method]['rejected']:.0f}" for effect in power))
            for method in methods
        ],
    )
    kept = {
        name: {m: {k: v for k, v in row.items() if np.isfinite(v)} for m, row in found.items()}
        for name, found in {
            **figures,
            **{f"power, {k} points": v for k, v in power.items()},
        }.items()
    }
    write_json("trial", {"trials": given.trials, "seed": given.seed, "figures": kept})


if __name__ == "__main__":
    main()
