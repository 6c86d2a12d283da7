"""Mix-ups in a study of real faces: mirrored files and files of other people, caught or not.

The Face Research Lab London Set as a study through the whole pipeline, neutral as baseline and
smiling as month3. Subjects come as they are, with one visit's file mirrored, and with the
follow-up of another person. What is as it is must be measured; everything else must be stopped,
both halves of it, with its file named.

Run:  python benchmarks/mixups.py [--workers N] [--people N]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _common import print_table, require, write_json
from london import people
from skimage.io import imread, imsave

import scarmetrics as sm

if TYPE_CHECKING:
    from collections.abc import Sequence

CAUGHT_TARGET = 0.98
FALSE_ALARM_TARGET = 0.01
KINDS = ("right", "mirrored-follow-up", "mirrored-baseline", "swapped", "swapped-again")
RIGHT_REASON = {"mirrored": "laterality_conflict", "swapped": "subject_mismatch"}
CONFIG = """
study_id: mixups
scale:
  device_mm_per_px: 0.31
segmentation:
  method: classical  # none is looked at; it is the quicker one
  min_diameter_mm: 1.25
"""


def make_study(source: Path, ids: Sequence[str], target: Path) -> None:
    """Exports and a manifest with a subject for each person and kind."""
    rows = ["subject_id,visit,view,path\n"]
    for place, person in enumerate(ids):
        for kind in KINDS:
            other = {"swapped": 1, "swapped-again": len(ids) // 2}.get(kind, 0)
            follower = ids[(place + other) % len(ids)]
            for visit, whose, code in (("baseline", person, "03"), ("month3", follower, "08")):
                pixels = imread(source / f"{whose}_{code}.jpg")
                if kind == {"baseline": "mirrored-baseline"}.get(visit, "mirrored-follow-up"):
                    pixels = np.ascontiguousarray(pixels[:, ::-1])
                name = f"{person}_{kind}_{visit}.png"
                imsave(target / name, pixels, check_contrast=False)
                rows.append(f"{person}-{kind},{visit},frontal,{name}\n")
    (target / "manifest.csv").write_text("".join(rows), encoding="utf-8")


def outcomes(summary: sm.RunSummary) -> dict[str, Counter[str]]:
    """For each kind, halves by what became of them: measured, or a reason code."""
    counts = {kind: Counter[str]() for kind in KINDS}
    for row in summary.changes:
        counts[row["subject_id"].partition("-")[2]]["measured"] += 1
    for failure in summary.failures:
        if not failure.path_relative:
            raise SystemExit(f"no file is named: {failure}")
        counts[failure.subject_id.partition("-")[2]][failure.reason_code] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--people", type=int, default=None, help="the first N only")
    options = parser.parse_args()
    source = require("faces/london")
    ids = people(source, options.people)
    with tempfile.TemporaryDirectory() as folder:
        exports = Path(folder) / "exports"
        exports.mkdir()
        make_study(source, ids, exports)
        config = Path(folder) / "mixups.yaml"
        config.write_text(CONFIG, encoding="utf-8")
        summary = sm.Study.from_config(config).run(
            exports, out=Path(folder) / "out", workers=options.workers
        )
    counts = outcomes(summary)
    print_table(
        f"Halves of {len(ids)} people",
        ("subjects", "halves", "measured", "stopped", "by the right reason", "reasons"),
        [
            (
                kind,
                count.total(),
                count["measured"],
                count.total() - count["measured"],
                count[RIGHT_REASON.get(kind.partition("-")[0], "")],
                ", ".join(f"{code} {n}" for code, n in sorted(count.items()) if code != "measured"),
            )
            for kind, count in counts.items()
        ],
    )
    wrong = [count for kind, count in counts.items() if kind != "right"]
    caught = 1 - sum(c["measured"] for c in wrong) / sum(c.total() for c in wrong)
    alarms = 1 - counts["right"]["measured"] / counts["right"].total()
    print(f"\ncaught {caught:.4f} (target at least {CAUGHT_TARGET})")
    print(f"false alarms {alarms:.4f} (target at most {FALSE_ALARM_TARGET})")
    write_json("mixups", {"people": len(ids), "caught": caught, "false_alarms": alarms, **counts})


if __name__ == "__main__":
    main()
