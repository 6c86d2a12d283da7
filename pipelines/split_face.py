"""Measure a split-face study whose arms lie in folders of their own.

``EXPORTS/ARM`` is measured into ``OUT/ARM`` with one configuration for all arms. What an arm's
patients were given does not reach the measurement; the arm's name stands in the path only.

Run:  python pipelines/split_face.py EXPORTS --out OUT [--config FILE] [--arms NAME ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import scarmetrics as sm

if TYPE_CHECKING:
    from collections.abc import Sequence

ARMS = ("co2_laser", "microneedling")
EXIT_CODES = (
    "Exit codes over all arms: 0 all measured, 2 wrong folder, config or manifest (nothing is "
    "measured), 3 some halves could not be measured, 4 none could be, 130 interrupted."
)


def measure_arms(
    exports: Path, out: Path, arms: Sequence[str], *, config: Path | None = None, workers: int = 1
) -> dict[str, sm.RunSummary]:
    """Measure each arm; stops after an arm that was interrupted.

    Parameters
    ----------
    exports : pathlib.Path
        Holds one folder of exports for each arm.
    out : pathlib.Path
        Gets one folder of results for each arm.
    arms : sequence of str
        Names of the folders.
    config : pathlib.Path, optional
        Parameters, the same for all arms; the defaults without one.
    workers : int, optional
        Processes.

    Returns
    -------
    dict of str to RunSummary
        By arm, in the order given.
    """
    study = sm.Study.from_config(config)
    for arm in arms:  # what is wrong with any arm stops all, before the first is measured
        study.plan(exports / arm)
    summaries = {}
    for arm in arms:
        summaries[arm] = study.run(exports / arm, out=out / arm, workers=workers)
        if summaries[arm].interrupted:
            break
    return summaries


def exit_code(summaries: Sequence[sm.RunSummary]) -> int:
    """The code of one run over all arms."""
    codes = {int(summary.exit_code) for summary in summaries}
    if len(codes) == 1:
        return codes.pop()
    return 130 if 130 in codes else 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the arms, print each one's counts, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=EXIT_CODES)
    parser.add_argument("exports", type=Path, help="folder with one folder of exports per arm")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--config", type=Path, help="YAML file with the study's parameters")
    parser.add_argument("--arms", nargs="+", default=ARMS, metavar="NAME", help="the arms' folders")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    options = parser.parse_args(arguments)
    try:
        summaries = measure_arms(
            options.exports,
            options.out,
            options.arms,
            config=options.config,
            workers=options.workers,
        )
    except sm.ScarmetricsError as error:
        parser.exit(2, f"error: {error}\n")
    for arm, summary in summaries.items():
        print(  # noqa: T201
            f"{arm}: {summary.halves_measured} halves measured, {summary.halves_failed} failed, "
            f"{len(summary.failures)} rows in {summary.out / 'failures.csv'}"
        )
    return exit_code(list(summaries.values()))


if __name__ == "__main__":
    raise SystemExit(main())
