"""The end of a run: everything hashed, tables written, counts told."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import scarmetrics
from scarmetrics.errors import ExitCode
from scarmetrics.models import FailedHalf
from scarmetrics.provenance import environment, write_json, write_text
from scarmetrics.runner.identity import model_used
from scarmetrics.runner.output import (
    RUN_FILE,
    earlier_run,
    holds_results,
    remove_orphans,
    remove_tables,
    write_tables,
)
from scarmetrics.runner.records import hashes_below, record_name
from scarmetrics.runner.rows import add_flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scarmetrics.config import StudyConfig
    from scarmetrics.models import FailureRecord, StudyPlan
    from scarmetrics.runner.jobs import HalfOutcome, PairJob

_CONFIG_FILE = "config.yaml"


@dataclass(frozen=True)
class RunSummary:
    """What a run came to.

    Attributes
    ----------
    out : pathlib.Path
        Folder with all outputs.
    measurements, changes, scars, regions : tuple of dict
        Rows of the tables.
    failures : tuple of FailureRecord
        Files and halves that could not be measured.
    halves_measured, halves_failed : int
        Counts.
    interrupted : bool
        The run was stopped before its end.
    halves_resumed : int
        Of those measured and failed, how many an earlier run had finished.
    problems : tuple of str
        What could not be written beside the measurement: the reviewers' pages, the log.
    """

    out: Path
    measurements: tuple[dict[str, Any], ...]
    changes: tuple[dict[str, Any], ...]
    scars: tuple[dict[str, Any], ...]
    regions: tuple[dict[str, Any], ...]
    failures: tuple[FailureRecord, ...]
    halves_measured: int
    halves_failed: int
    interrupted: bool
    halves_resumed: int = 0
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """What the command line returns."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.halves_measured == 0:
            return ExitCode.NOTHING_MEASURED
        return ExitCode.SOME_FAILED if self.failures else ExitCode.OK


class Finish:
    """Brings a run to its end.

    Parameters
    ----------
    config : StudyConfig
        As it was measured.
    plan : StudyPlan
        What was to be measured.
    out : pathlib.Path
        OUT.
    outcomes : sequence of (PairJob, HalfOutcome)
        Of every half that was tried or resumed, in the plan's order.
    resumed : int
        How many of them an earlier run had finished.
    """

    def __init__(
        self,
        config: StudyConfig,
        plan: StudyPlan,
        out: Path,
        outcomes: Sequence[tuple[PairJob, HalfOutcome]],
        resumed: int,
    ) -> None:
        self.config, self.plan, self.out, self.resumed = config, plan, out, resumed
        self.finished = list(outcomes)
        self.outcomes = [outcome for _, outcome in outcomes]

    def write(
        self, started: dt.datetime, history: dict[str, Any], *, interrupted: bool
    ) -> RunSummary:
        """Check every picture, write tables, config and run.json, which names the history's end."""
        pictures = self._check_pictures()
        _flag_shared_photographs(self.outcomes)
        summary = self.summary(interrupted=interrupted)
        records = [record_name(job.subject_id, outcome.side) for job, outcome in self.finished]
        records = [name for name in records if (self.out / name).is_file()]
        remove_orphans(self.out, self.plan.halves, [*pictures, *records])
        tables = self._write_tables(self.out, summary.failures)
        # the one place where the run's files are hashed
        outputs = {**pictures, **hashes_below(self.out, [*tables, *records])}
        content = self._about(summary, started)
        content |= {"history": history, "outputs": dict(sorted(outputs.items()))}
        try:
            write_json(self.out / RUN_FILE, content)
        except OSError:
            remove_tables(self.out)  # which no run.json vouches for
            raise
        return summary

    def unchanged(self) -> RunSummary | None:
        """The summary, if a run would leave OUT as it is apart from times; None otherwise.

        The files of resumed halves must have been checked.
        """
        _flag_shared_photographs(self.outcomes)
        summary = self.summary(interrupted=False)
        if self.resumed < len(self.plan.halves) or not holds_results(self.out):
            return None
        with tempfile.TemporaryDirectory() as folder:
            tables = self._write_tables(Path(folder), summary.failures)
            expected = hashes_below(Path(folder), tables)
        records = {record_name(job.subject_id, outcome.side) for job, outcome in self.finished}
        pictures = {name for outcome in self.outcomes for name in outcome.files}
        recorded = (earlier_run(self.out) or {}).get("outputs", {})
        same = hashes_below(self.out, tables) == expected
        return summary if same and set(recorded) == {*expected, *records, *pictures} else None

    def summary(self, *, interrupted: bool) -> RunSummary:
        """Rows and counts."""
        failures = [*self.plan.failures, *(f for o in self.outcomes for f in o.failures)]
        measured = {(row["subject_id"], row["side"]) for o in self.outcomes for row in o.changes}
        failed = {(f.subject_id, f.side) for f in failures if f.side} - measured
        return RunSummary(
            out=self.out,
            measurements=tuple(row for o in self.outcomes for row in o.measurements),
            changes=tuple(row for o in self.outcomes for row in o.changes),
            scars=tuple(row for o in self.outcomes for row in o.scars),
            regions=tuple(row for o in self.outcomes for row in o.regions),
            failures=tuple(failures),
            halves_measured=len(measured),
            halves_failed=len(failed),
            interrupted=interrupted and len(self.outcomes) < len(self.plan.halves),
            halves_resumed=self.resumed,
        )

    def _check_pictures(self) -> dict[str, str]:
        """Hash of every picture; a half whose pictures somebody changed meanwhile is failed."""
        names = [name for outcome in self.outcomes for name in outcome.files]
        hashes = hashes_below(self.out, names)
        for index, (job, outcome) in enumerate(self.finished):
            altered = [n for n, sha256 in outcome.files.items() if hashes[n] != sha256]
            if altered:
                reason = f"{altered[0]} was changed or removed while the run went on"
                failure = FailedHalf("output_unwritable", reason)
                (lost,) = replace(job, sides=(outcome.side,)).failed(failure)
                lost.inputs.update(outcome.inputs)
                self.finished[index] = (job, lost)
                (self.out / record_name(job.subject_id, outcome.side)).unlink(missing_ok=True)
                for name in outcome.files:
                    del hashes[name]
        self.outcomes = [outcome for _, outcome in self.finished]
        return hashes

    def _write_tables(self, folder: Path, failures: Sequence[FailureRecord]) -> list[str]:
        names = write_tables(folder, self.outcomes, failures)
        text = yaml.safe_dump(self.config.recorded(), sort_keys=False)
        try:
            write_text(folder / _CONFIG_FILE, text)
        except OSError:
            remove_tables(folder)
            raise
        return [*names, _CONFIG_FILE]

    def _about(self, summary: RunSummary, started: dt.datetime) -> dict[str, Any]:
        return {
            "tool": "scarmetrics",
            "state": "interrupted" if summary.interrupted else "finished",
            "version": scarmetrics.__version__,
            "config": self.config.recorded(),
            "model": model_used(self.config),
            "environment": environment(),
            "started": started.isoformat(timespec="seconds"),
            "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "counts": {
                "photographs": len(self.plan.records),
                "photographs_unused": len(self.plan.unused),
                "halves_planned": len(self.plan.halves),
                "halves_measured": summary.halves_measured,
                "halves_failed": summary.halves_failed,
                "halves_not_tried": len(self.plan.halves) - len(self.outcomes),
                "halves_resumed": summary.halves_resumed,
                "failures": len(summary.failures),
                "scars": len(summary.scars),
            },
            "inputs": {k: v for o in self.outcomes for k, v in o.inputs.items()},
        }


def _flag_shared_photographs(outcomes: Sequence[HalfOutcome]) -> None:
    """Flag halves whose photograph, byte by byte, stands for another subject too."""
    owners: dict[str, set[str]] = {}
    for outcome in outcomes:
        for row in outcome.measurements:
            owners.setdefault(row["image_sha256"], set()).add(row["subject_id"])
    for outcome in outcomes:
        shared = [r for r in outcome.measurements if len(owners[r["image_sha256"]]) > 1]
        for row in [*shared, *(outcome.changes if shared else [])]:
            add_flag(row, "shared_photograph")
