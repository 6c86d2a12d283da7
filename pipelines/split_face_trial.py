"""The whole trial on a simulated study: photographs, measurement, lock, allocation, answer.

The design is that of the registry's IRCT20080901001159N33: 30 patients, each one a block, two
procedures between patients, ADSC conditioned medium on one half of the face and saline on the
other, photographs before and three months after, side effects and satisfaction by questionnaire.
Photographs with scars of known area are made, measured blind, locked, and only then linked. At the
end the effect that was planted stands beside the one that was found.

Run:  python pipelines/split_face_trial.py --out OUT [--patients N] [--workers N]
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

import scarmetrics as sm

if TYPE_CHECKING:
    from collections.abc import Sequence

STUDY_ID = "split-face-trial"
OUTCOME = "change_pct"
VISITS = ("baseline", "month3")


class Recovered(NamedTuple):
    """The planted effect beside the one that was found, in points of change.

    Attributes
    ----------
    planted : float
        Mean over the patients compared of their true change, ADSC-CM less saline.
    found, low, high : float
        The estimate and its interval.
    patients : int
        Compared.
    """

    planted: float
    found: float
    low: float
    high: float
    patients: int

    @property
    def holds(self) -> bool:
        """Whether the interval holds the planted effect."""
        return self.low <= self.planted <= self.high


def run_trial(
    out: Path, *, patients: int = 30, seed: int = 1, workers: int = 1, config: Path | None = None
) -> tuple[sm.RunSummary, sm.Analysis, Recovered]:
    """Simulate, measure, lock, link and compare.

    Parameters
    ----------
    out : pathlib.Path
        Gets ``study/`` (photographs, randomisation list, answers, truth) and ``results/``.
    patients : int, optional
        How many.
    seed : int, optional
        Of the simulated study.
    workers : int, optional
        Processes.
    config : pathlib.Path, optional
        Parameters; the defaults without one.

    Returns
    -------
    RunSummary, Analysis, Recovered
    """
    simulated = sm.make_demo_study(
        out / "study",
        n_subjects=patients,
        seed=seed,
        progress=lambda done, total: _say(f"photographs of patient {done} of {total}"),
    )
    study = sm.Study.from_config(config)
    if config is None:
        study = sm.Study(sm.StudyConfig(study_id=STUDY_ID))
    results = out / "results"
    summary = study.run(simulated.exports, out=results, workers=workers, progress=_say_halves)
    if not summary.halves_measured:
        raise SystemExit(int(summary.exit_code))
    _say(f"locked, digest {sm.lock(results).digest}")
    linked = sm.link(results, simulated.allocation, simulated.questionnaires)
    analysis = sm.analyse_linked(linked)
    written = sm.write_trial(linked, results, analysis)
    _say(f"report: {written.folder / 'report.html'}")
    return summary, analysis, recovered(simulated.truth, analysis)


def recovered(truth: Path, analysis: sm.Analysis) -> Recovered:
    """The planted effect, over the patients that were compared, beside the one found.

    Parameters
    ----------
    truth : pathlib.Path
        ``truth.csv`` of the simulated study.
    analysis : Analysis
        Of the same study.
    """
    areas: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    with truth.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["subject_id"], row["treatment"])
            areas[key][row["visit"]] = float(row["true_area_mm2"])
    change = {key: 100 * (a[VISITS[1]] / a[VISITS[0]] - 1) for key, a in areas.items()}
    compared = [
        p.subject_id for p in analysis.patients if None not in (p.adsc_cm_pct, p.saline_pct)
    ]
    found = next(
        c
        for c in analysis.comparisons
        if (c.outcome, c.procedure, c.halves) == (OUTCOME, "pooled", analysis.primary.halves)
    )
    if found.paired_t is None or not compared:
        raise SystemExit(f"nothing to compare: {found.note}")
    return Recovered(
        planted=mean(change[s, "adsc_cm"] - change[s, "saline"] for s in compared),
        found=found.paired_t.mean,
        low=found.paired_t.ci_low,
        high=found.paired_t.ci_high,
        patients=found.patients,
    )


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201


def _say_halves(progress: object) -> None:
    done, total = getattr(progress, "done", 0), getattr(progress, "total", 0)
    _say(f"measured {done} of {total} halves")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recipe; the code is that of the measurement, 1 if the effect was not recovered."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True, help="an empty or a new folder")
    parser.add_argument("--patients", type=int, default=30, help="how many (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated study (default: 1)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--config", type=Path, help="YAML file with the study's parameters")
    options = parser.parse_args(arguments)
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        parser.exit(2, f"error: {options.out.name} holds other files; name a new folder\n")
    try:
        summary, _, effect = run_trial(
            options.out,
            patients=options.patients,
            seed=options.seed,
            workers=options.workers,
            config=options.config,
        )
    except sm.ScarmetricsError as error:
        parser.exit(2, f"error: {error}\n")
    _say(
        f"Change of scar area, ADSC-CM less saline, in points of baseline, {effect.patients} "
        f"patients:\n  planted {effect.planted:+.1f}\n  found   {effect.found:+.1f} "
        f"({effect.low:+.1f} to {effect.high:+.1f})"
    )
    if not effect.holds:
        _say("The interval does not hold the planted effect.")
        return 1
    return int(summary.exit_code)


if __name__ == "__main__":
    raise SystemExit(main())
