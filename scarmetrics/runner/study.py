"""A study: a configuration, and what the command line and the Python API call to run it."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import scarmetrics
from scarmetrics.config import StudyConfig, load_config
from scarmetrics.errors import ExitCode, ManifestError, UsageError
from scarmetrics.ingest import list_photographs, plan_study
from scarmetrics.models import FailureRecord
from scarmetrics.provenance import (
    environment,
    hash_outputs,
    sha256_of,
    write_json,
    write_text,
)
from scarmetrics.runner.jobs import JobOutcome, pair_jobs
from scarmetrics.runner.output import (
    RUN_FILE,
    begin,
    check_out,
    holds_results,
    remove_orphans,
    write_tables,
)
from scarmetrics.runner.rows import add_flag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scarmetrics.models import StudyPlan
    from scarmetrics.runner.jobs import PairJob


@dataclass(frozen=True)
class Progress:
    """One step of a run, for whoever shows progress.

    Attributes
    ----------
    done, total : int
        Halves finished, and halves in all.
    subject_id : str
        Whose halves just ended; empty at the start.
    measured, failed : int
        Halves measured and failed so far, of those that were tried.
    """

    done: int
    total: int
    subject_id: str
    measured: int
    failed: int


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

    @property
    def exit_code(self) -> ExitCode:
        """What the command line returns."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.halves_measured == 0:
            return ExitCode.NOTHING_MEASURED
        return ExitCode.SOME_FAILED if self.failures else ExitCode.OK


class Study:
    """A configured study.

    Parameters
    ----------
    config : StudyConfig
        Every parameter.

    Examples
    --------
    >>> import scarmetrics as sm
    >>> sm.Study(sm.StudyConfig(study_id="pilot")).config.study_id
    'pilot'
    """

    def __init__(self, config: StudyConfig) -> None:
        self.config = config

    @classmethod
    def from_config(cls, path: Path | str | None = None) -> Study:
        """A study from a YAML file; the defaults without one.

        Parameters
        ----------
        path : path, optional
            Configuration file.

        Raises
        ------
        ConfigError
            If the file is wrong; names line and column.
        """
        return cls(StudyConfig() if path is None else load_config(Path(path)))

    def plan(self, exports: Path | str) -> StudyPlan:
        """What a folder of exports amounts to; no photograph is decoded.

        Parameters
        ----------
        exports : path
            Folder of exports, with or without a manifest.

        Returns
        -------
        StudyPlan

        Raises
        ------
        UsageError, ManifestError, ConfigError
            If nothing can be listed.
        """
        from scarmetrics.segmentation import make_segmenter

        try:
            make_segmenter(self.config.segmentation)
        except UsageError as error:
            where = ("segmentation", "method")
            raise self.config.error_at(where, error.message, error.remedy) from None
        return plan_study(list_photographs(Path(exports), self.config.ingest), self.config)

    def run(
        self,
        exports: Path | str,
        *,
        out: Path | str,
        workers: int = 1,
        progress: Callable[[Progress], None] | None = None,
    ) -> RunSummary:
        """Measure a folder of exports and write every output.

        Parameters
        ----------
        exports : path
            Folder of exports, with or without a manifest; only read.
        out : path
            Folder for the outputs, not inside `exports`. Outputs of an earlier run there are
            replaced.
        workers : int, optional
            Processes. More than one needs the calling script's entry point guarded by
            ``if __name__ == "__main__":``.
        progress : callable, optional
            Called with a `Progress` at the start and after each pair of photographs.

        Returns
        -------
        RunSummary

        Raises
        ------
        UsageError, ManifestError, ConfigError
            Before any photograph is read, if the run cannot start. The problems of a wrong
            manifest are also listed in ``failures.csv``, unless `out` holds the results of an
            earlier run, which stay.
        """
        started = dt.datetime.now(dt.UTC)
        exports, out = Path(exports), Path(out)
        if workers < 1:
            raise UsageError(f"workers is {workers}", "use 1 or more")
        check_out(exports, out)
        try:
            plan = self.plan(exports)
        except ManifestError as error:
            if not holds_results(out):
                begin(out, ())
                write_tables(out, [], _manifest_failures(error))
            raise
        model = _model_used(self.config)
        begin(out, plan.halves)
        outcomes, interrupted = self._measure(plan, out, workers, progress)
        return self._finish(plan, outcomes, out, started, model=model, interrupted=interrupted)

    def _measure(
        self,
        plan: StudyPlan,
        out: Path,
        workers: int,
        progress: Callable[[Progress], None] | None,
    ) -> tuple[list[JobOutcome], bool]:
        from scarmetrics.runner.pool import run_jobs

        jobs = pair_jobs(plan.halves)
        done: dict[int, JobOutcome] = {}
        report = _Reporter(jobs, progress)

        def ended(index: int, outcome: JobOutcome) -> None:
            done[index] = outcome
            report.ended(jobs[index], outcome)

        interrupted = False
        try:
            run_jobs(jobs, self.config, out, workers, ended)
        except KeyboardInterrupt:
            interrupted = True
        return [done[index] for index in sorted(done)], interrupted

    def _finish(
        self,
        plan: StudyPlan,
        outcomes: Sequence[JobOutcome],
        out: Path,
        started: dt.datetime,
        *,
        model: dict[str, Any] | None,
        interrupted: bool,
    ) -> RunSummary:
        _flag_shared_photographs(outcomes)
        failures = [*plan.failures, *(f for o in outcomes for f in o.failures)]
        measured = {(row["subject_id"], row["side"]) for o in outcomes for row in o.changes}
        failed = {(f.subject_id, f.side) for f in failures if f.side} - measured
        untried = [h for h in plan.halves if (h.subject_id, h.side) not in measured | failed]
        interrupted = interrupted and bool(untried)
        files = [name for outcome in outcomes for name in outcome.files]
        remove_orphans(out, plan.halves, files)
        files += write_tables(out, outcomes, failures)
        summary = RunSummary(
            out=out,
            measurements=tuple(row for o in outcomes for row in o.measurements),
            changes=tuple(row for o in outcomes for row in o.changes),
            scars=tuple(row for o in outcomes for row in o.scars),
            regions=tuple(row for o in outcomes for row in o.regions),
            failures=tuple(failures),
            halves_measured=len(measured),
            halves_failed=len(failed),
            interrupted=interrupted,
        )
        resolved = self.config.recorded()
        write_text(out / "config.yaml", yaml.safe_dump(resolved, sort_keys=False))
        write_json(
            out / RUN_FILE,
            {
                "tool": "scarmetrics",
                "state": "interrupted" if interrupted else "finished",
                "version": scarmetrics.__version__,
                "config": resolved,
                "model": model,
                "environment": environment(),
                "started": started.isoformat(timespec="seconds"),
                "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                "counts": {
                    "photographs": len(plan.records),
                    "photographs_unused": len(plan.unused),
                    "halves_planned": len(plan.halves),
                    "halves_measured": len(measured),
                    "halves_failed": len(failed),
                    "halves_not_tried": len(untried),
                    "failures": len(failures),
                    "scars": len(summary.scars),
                },
                "inputs": {k: v for o in outcomes for k, v in o.inputs.items()},
                "outputs": hash_outputs(out, [*files, "config.yaml"]),
            },
        )
        return summary


def _model_used(config: StudyConfig) -> dict[str, Any] | None:
    """Name and hash of the model, and how its evidence is read, where the method is learned."""
    from scarmetrics.segmentation import make_segmenter
    from scarmetrics.segmentation.evidence import EvidenceSegmenter
    from scarmetrics.segmentation.learned import NET_FILE, net_sha256

    segmenter = make_segmenter(config.segmentation)
    if not isinstance(segmenter, EvidenceSegmenter):
        return None
    file = config.segmentation.model_file
    darkness = getattr(segmenter, "darkness", None)
    return {
        "file": NET_FILE if file is None else file.name,
        "sha256": net_sha256() if file is None else sha256_of(file),
        "calibration": asdict(segmenter.calibration),
        "darkness": None if darkness is None else asdict(darkness),
    }


def _flag_shared_photographs(outcomes: Sequence[JobOutcome]) -> None:
    """Flag halves whose photograph, byte by byte, stands for another subject too."""
    owners: dict[str, set[str]] = {}
    for outcome in outcomes:
        for row in outcome.measurements:
            owners.setdefault(row["image_sha256"], set()).add(row["subject_id"])
    for outcome in outcomes:
        shared = [r for r in outcome.measurements if len(owners[r["image_sha256"]]) > 1]
        sides = {row["side"] for row in shared}
        for row in [*shared, *(r for r in outcome.changes if r["side"] in sides)]:
            add_flag(row, "shared_photograph")


class _Reporter:
    """Counts halves as jobs end and tells whoever listens."""

    def __init__(
        self, jobs: Sequence[PairJob], listener: Callable[[Progress], None] | None
    ) -> None:
        self.total = sum(len(job.sides) for job in jobs)
        self.done = self.measured = self.failed = 0
        self.listener = listener
        self._tell("")

    def ended(self, job: PairJob, outcome: JobOutcome) -> None:
        self.done += len(job.sides)
        self.measured += len(outcome.changes)
        self.failed += len(outcome.failures)
        self._tell(job.subject_id)

    def _tell(self, subject_id: str) -> None:
        if self.listener:
            self.listener(Progress(self.done, self.total, subject_id, self.measured, self.failed))


def _manifest_failures(error: ManifestError) -> list[FailureRecord]:
    return [
        FailureRecord(
            subject_id=problem.subject_id,
            side=problem.side,
            visit=problem.visit,
            path_relative=problem.path,
            reason_code=problem.reason_code,
            reason=f"{error.name}, {problem}",
            remedy="correct the manifest; nothing was measured",
        )
        for problem in error.problems
    ]
