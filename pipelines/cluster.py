"""Measure a study on several machines, or try on one machine how that works.

With ``--scheduler`` the workers of a Dask scheduler that is already there measure. Without it this
script starts a cluster of processes on this machine and uses that. The result is the same to the
byte as that of ``scarmetrics run``.

Run:  python pipelines/cluster.py EXPORTS --out OUT [--config FILE] [--scheduler ADDRESS]

Needs the extra ``cluster``: python -m pip install 'scarmetrics[cluster]'
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import scarmetrics as sm

if TYPE_CHECKING:
    from collections.abc import Sequence


def measure_on(
    scheduler: str, exports: Path, out: Path, config: Path | None = None
) -> sm.RunSummary:
    """Measure on the workers of a scheduler.

    Parameters
    ----------
    scheduler : str
        Its address, such as ``tcp://192.168.0.10:8786``.
    exports, out : pathlib.Path
        On a disk that all machines have under the same path.
    config : pathlib.Path, optional
        Parameters; the defaults without one.

    Returns
    -------
    RunSummary
    """
    return sm.Study.from_config(config).run(exports, out=out, scheduler=scheduler)


def measure_here(
    exports: Path, out: Path, config: Path | None = None, *, workers: int = 2
) -> sm.RunSummary:
    """Measure on a cluster of processes on this machine, which ends with the run.

    Parameters
    ----------
    exports, out, config
        As for `measure_on`.
    workers : int, optional
        Processes.

    Returns
    -------
    RunSummary
    """
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers,
        processes=True,
        threads_per_worker=1,  # one pair at a time for each
        dashboard_address=None,
    ) as cluster:
        return measure_on(cluster.scheduler_address, exports, out, config)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the counts, return the exit code of ``scarmetrics run``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exports", type=Path, help="folder of exported photographs")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--config", type=Path, help="YAML file with the study's parameters")
    parser.add_argument("--scheduler", help="address of a Dask scheduler (default: start one here)")
    parser.add_argument("--workers", type=int, default=2, help="processes without --scheduler")
    options = parser.parse_args(arguments)
    try:
        if options.scheduler:
            summary = measure_on(options.scheduler, options.exports, options.out, options.config)
        else:
            summary = measure_here(
                options.exports, options.out, options.config, workers=options.workers
            )
    except sm.ScarmetricsError as error:
        parser.exit(2, f"error: {error}\n")
    print(  # noqa: T201
        f"{summary.halves_measured} halves measured, {summary.halves_failed} failed, "
        f"{summary.halves_resumed} of them by an earlier run; see {summary.out}"
    )
    return int(summary.exit_code)


if __name__ == "__main__":
    raise SystemExit(main())
