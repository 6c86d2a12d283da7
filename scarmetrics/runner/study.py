"""A study: a configuration, and what the command line and the Python API call to run it."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

import scarmetrics
from scarmetrics.config import StudyConfig, load_config
from scarmetrics.errors import ExitCode, ManifestError, UsageError
from scarmetrics.ingest import list_photographs, plan_study
from scarmetrics.models import FailureRecord
from scarmetrics.provenance import environment, hash_outputs, write_json, write_text
from scarmetrics.runner.jobs import JobOutcome, pair_jobs
from scarmetrics.runner.rows import CHANGES, FAILURES, MEASUREMENTS, SCARS, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scarmetrics.models import StudyPlan
    from scarmetrics.runner.jobs import PairJob

_FOLDERS = ("masks", "rois", "overlays")
_FILES = ("measurements", "changes", "scars", "failures")


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
    measurements, changes, scars : tuple of dict
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

        make_segmenter(self.config.segmentation)  # an unknown method is told before any work
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
            manifest are also listed in ``failures.csv``.
        """
        started = dt.datetime.now(dt.UTC)
        exports, out = Path(exports), Path(out)
        if workers < 1:
            raise UsageError(f"workers is {workers}", "use 1 or more")
        _check_out(exports, out)
        try:
            plan = self.plan(exports)
        except ManifestError as error:
            _prepare_out(out)
            _write_tables(out, [], _manifest_failures(error))
            raise
        _prepare_out(out)
        outcomes, interrupted = self._measure(plan, out, workers, progress)
        return self._finish(plan, outcomes, out, started, interrupted=interrupted)

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
        try:
            for index, outcome in run_jobs(jobs, self.config, out, workers):
                done[index] = outcome
                report.ended(jobs[index], outcome)
        except KeyboardInterrupt:
            return [done[index] for index in sorted(done)], True
        return [done[index] for index in sorted(done)], False

    def _finish(
        self,
        plan: StudyPlan,
        outcomes: Sequence[JobOutcome],
        out: Path,
        started: dt.datetime,
        *,
        interrupted: bool,
    ) -> RunSummary:
        failures = [*plan.failures, *(f for o in outcomes for f in o.failures)]
        files = _write_tables(out, outcomes, failures)
        files += [name for outcome in outcomes for name in outcome.files]
        summary = RunSummary(
            out=out,
            measurements=tuple(row for o in outcomes for row in o.measurements),
            changes=tuple(row for o in outcomes for row in o.changes),
            scars=tuple(row for o in outcomes for row in o.scars),
            failures=tuple(failures),
            halves_measured=sum(len(o.changes) for o in outcomes),
            halves_failed=len({(f.subject_id, f.side) for f in failures if f.side}),
            interrupted=interrupted,
        )
        resolved = self.config.model_dump(mode="json")
        write_text(out / "config.yaml", yaml.safe_dump(resolved, sort_keys=False))
        write_json(
            out / "run.json",
            {
                "tool": "scarmetrics",
                "version": scarmetrics.__version__,
                "config": resolved,
                "environment": environment(),
                "started": started.isoformat(timespec="seconds"),
                "ended": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                "interrupted": interrupted,
                "counts": {
                    "photographs": len(plan.records),
                    "photographs_unused": len(plan.unused),
                    "halves_planned": len(plan.halves),
                    "halves_measured": summary.halves_measured,
                    "halves_failed": summary.halves_failed,
                    "failures": len(failures),
                    "scars": len(summary.scars),
                },
                "inputs": {r["path_relative"]: r["image_sha256"] for r in summary.measurements},
                "outputs": hash_outputs(out, [*files, "config.yaml"]),
            },
        )
        return summary


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


def _check_out(exports: Path, out: Path) -> None:
    inside, outer = out.resolve(), exports.resolve()
    if inside == outer or outer in inside.parents:
        raise UsageError(
            "the output folder lies inside the exports folder, where its pictures would be taken "
            "for photographs",
            "choose an output folder elsewhere",
        )
    if out.exists() and not out.is_dir():
        raise UsageError(f"the output {out.name} is a file", "name a folder")
    if out.is_dir() and any(out.iterdir()) and not _is_output(out):
        raise UsageError(
            f"the output folder {out.name} holds other files", "name a new or an empty folder"
        )


def _is_output(out: Path) -> bool:
    """Whether the folder holds an earlier run's results, which may be replaced."""
    return (out / "run.json").is_file() or (out / "failures.csv").is_file()


def _prepare_out(out: Path) -> None:
    """Make OUT, and remove an earlier run's results so that none is taken for this one's."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "run.json").unlink(missing_ok=True)
        for name in _FILES:
            for suffix in (".csv", ".parquet"):
                (out / f"{name}{suffix}").unlink(missing_ok=True)
        for name in _FOLDERS:
            if (out / name).is_dir():
                shutil.rmtree(out / name)
            (out / name).mkdir()
        write_text(out / "config.yaml", "")
    except OSError as error:
        raise UsageError(
            f"the output folder {out.name} cannot be written ({error.strerror})",
            "check its permissions and the disk's free space",
        ) from error


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


def _write_tables(
    out: Path, outcomes: Sequence[JobOutcome], failures: Sequence[FailureRecord]
) -> list[str]:
    tables = {
        "measurements": ([row for o in outcomes for row in o.measurements], MEASUREMENTS),
        "changes": ([row for o in outcomes for row in o.changes], CHANGES),
        "scars": ([row for o in outcomes for row in o.scars], SCARS),
        "failures": ([failure.model_dump() for failure in failures], FAILURES),
    }
    written: list[str] = []
    for name, (rows, columns) in tables.items():
        written += write_table(out, name, rows, columns)
    return written
