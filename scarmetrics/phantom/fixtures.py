"""The photographs under ``fixtures/images``: ``python -m scarmetrics.phantom.fixtures OUTDIR``."""

from __future__ import annotations

import sys
from pathlib import Path

from scarmetrics.phantom.study import DemoStudy, make_demo_study

_MM_PER_PX = 0.3
_SEED = 7


def write_fixtures(folder: Path) -> DemoStudy:
    """Write one small made-up subject, both visits, with its truth.

    Parameters
    ----------
    folder : pathlib.Path
        Gets ``exports/`` and ``truth.csv``.

    Returns
    -------
    DemoStudy
    """
    return make_demo_study(folder, n_subjects=1, seed=_SEED, mm_per_px=_MM_PER_PX)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m scarmetrics.phantom.fixtures OUTDIR")
    write_fixtures(Path(sys.argv[1]))
