"""One run on one OUT: what is finished is taken over, the rest is measured, everything is kept."""

from __future__ import annotations

import datetime as dt
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scarmetrics.errors import ScarmetricsError, UsageError
from scarmetrics.report import write_report
from scarmetrics.runner.disk import check_out_is_there, check_writable, reason, writing
from scarmetrics.runner.finish import Finish, RunSummary
from scarmetrics.runner.identity import basis
from scarmetrics.runner.jobs import HalfOutcome, PairJob, pair_jobs
from scarmetrics.runner.journal import Journal
from scarmetrics.runner.output import RUN_FILE, begin, earlier_run, is_locked
from scarmetrics.runner.progress import Reporter
from scarmetrics.runner.records import Half, finished, keep, record_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from scarmetrics.config import StudyConfig
    from scarmetrics.models import StudyPlan
    from scarmetrics.runner.jobs import Outcomes
    from scarmetrics.runner.pool import Ended
    from scarmetrics.runner.progress import Progress


@dataclass(frozen=True)
class Means:
    """What a run may use.

    Attributes
    ----------
    workers : int
        Processes.
    isolate : bool
        Measure in processes of their own even if it is one only.
    scheduler : str or None
        Address of a Dask scheduler that has the processes instead.
    force : bool
        Measure again what is finished.
    """

    workers: int = 1
    isolate: bool = False
    scheduler: str | None = None
    force: bool = False


class Batch:
    """One run.

    Parameters
    ----------
    config : StudyConfig
        Parameters.
    plan : StudyPlan
        What to measure.
    out : pathlib.Path
        OUT, which no other run is using.
    means : Means
        What it may use.
    """

    def __init__(self, config: StudyConfig, plan: StudyPlan, out: Path, means: Means) -> None:
        self.config, self.plan, self.out, self.means = config, plan, out, means
        self.basis = basis(config)
        self.jobs = pair_jobs(plan.halves)
        self.done: dict[Half, HalfOutcome] = {}
        self.resumed = 0

    def run(self, listener: Callable[[Progress], None] | None) -> RunSummary:
        """Measure what is missing and write every output.

        Raises
        ------
        UsageError
            Before anything is measured, if OUT holds a locked measurement that would change.
        """
        started = dt.datetime.now(dt.UTC)
        if not self.means.force:
            self.done = finished(self.jobs, self.out, self.basis)
        self.resumed = len(self.done)
        if is_locked(self.out) and not self.means.force:
            unchanged = self._finish().unchanged()
            if unchanged is None:
                raise _locked(self.out)
            self._reporter(listener)
            return unchanged
        journal = Journal(self.out, earlier_run(self.out))
        missing = self._missing()
        before = self._recorded(missing)
        with self._crew([job for _, job in missing]) as run_jobs:
            begin(self.out, self.plan.halves, self._finished_names())
            journal.started(self.config, self.plan, resumed=self.resumed, forced=self.means.force)
            try:
                ended = self._each_ended(missing, before, journal, self._reporter(listener))
                interrupted = _run_until_interrupted(run_jobs, ended)
                summary = self._end(journal, started, interrupted=interrupted)
            except ScarmetricsError as error:
                journal.stopped(error)
                raise
        return replace(summary, problems=self._pages(journal))

    def _each_ended(
        self,
        missing: Sequence[tuple[int, PairJob]],
        before: set[Half],
        journal: Journal,
        report: Reporter,
    ) -> Ended:
        """What to do with the outcomes of each job that ended."""

        def ended(index: int, outcomes: Outcomes) -> None:
            where, job = missing[index]
            with _interrupts_held():  # what is in the tables has its record
                check_out_is_there(self.out, self.out / RUN_FILE)
                for outcome in outcomes:
                    with writing(self.out):
                        kept = keep(self.out, self.basis, job, outcome)
                    half = (where, outcome.side)
                    self.done[half] = kept.outcome
                    journal.half(job, kept, again=half in before)
            report.ended(job.subject_id, outcomes)
            self._check_disk(outcomes)

        return ended

    def _check_disk(self, outcomes: Outcomes) -> None:
        """Stop where nothing can be written any more: every further pair would fail in vain."""
        codes = {failure.reason_code for outcome in outcomes for failure in outcome.failures}
        if "output_unwritable" in codes:
            with writing(self.out):
                check_writable(self.out)

    def _end(self, journal: Journal, started: dt.datetime, *, interrupted: bool) -> RunSummary:
        """Write everything that is about all halves."""
        check_out_is_there(self.out, self.out / RUN_FILE)
        with writing(self.out):
            finish = self._finish()
            summary = finish.write(started, journal.history(), interrupted=interrupted)
        journal.ended(summary)
        return summary

    def _pages(self, journal: Journal) -> tuple[str, ...]:
        """Write the reviewers' pages; what could not be written beside the measurement."""
        problems = []
        try:
            write_report(self.out)
        except (ScarmetricsError, OSError) as error:
            told = error.message if isinstance(error, ScarmetricsError) else reason(error)
            problems.append(f"the reviewers' pages are not written: {told}")
            journal.log.line(problems[0])
        return tuple(problem for problem in (*problems, journal.log.problem) if problem)

    def _reporter(self, listener: Callable[[Progress], None] | None) -> Reporter:
        return Reporter(len(self.plan.halves), self.done.values(), listener)

    @contextmanager
    def _crew(self, jobs: Sequence[PairJob]) -> Iterator[Callable[[Ended], None]]:
        """Whoever measures the jobs, ready for it."""
        from scarmetrics.runner import pool

        means, config, out = self.means, self.config, self.out
        if means.scheduler is not None and jobs:
            from scarmetrics.runner.cluster import cluster_crew

            with cluster_crew(jobs, config, out, means.scheduler) as run:
                yield run
        elif means.workers > 1 or means.isolate:
            yield lambda ended: pool.run_jobs(jobs, config, out, means.workers, ended)
        else:
            yield lambda ended: pool.run_here(jobs, config, out, ended)

    def _missing(self) -> list[tuple[int, PairJob]]:
        """Jobs with the sides that are not finished, and their place in the plan."""
        missing = []
        for index, job in enumerate(self.jobs):
            sides = tuple(side for side in job.sides if (index, side) not in self.done)
            if sides:
                missing.append((index, replace(job, sides=sides)))
        return missing

    def _recorded(self, missing: Sequence[tuple[int, PairJob]]) -> set[Half]:
        """Halves that are going to be measured although they have a record."""
        return {
            (index, side)
            for index, job in missing
            for side in job.sides
            if (self.out / record_name(job.subject_id, side)).is_file()
        }

    def _finish(self) -> Finish:
        outcomes = [
            (job, self.done[index, side])
            for index, job in enumerate(self.jobs)
            for side in job.sides
            if (index, side) in self.done
        ]
        return Finish(self.config, self.plan, self.out, outcomes, self.resumed)

    def _finished_names(self) -> list[str]:
        """Files of finished halves, below OUT."""
        names: list[str] = []
        for (index, side), outcome in self.done.items():
            names += [record_name(self.jobs[index].subject_id, side), *outcome.files]
        return names


def _run_until_interrupted(run_jobs: Callable[[Ended], None], ended: Ended) -> bool:
    """Measure; whether it was interrupted."""
    try:
        run_jobs(ended)
    except KeyboardInterrupt:
        return True
    return False


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C and requests to end wait until a step is whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and callable(signal.getsignal(number)):
            before[number] = signal.signal(number, lambda which, _: pending.append(which))
    try:
        yield
    finally:
        for held, handler in before.items():
            signal.signal(held, handler)
    if pending:
        signal.raise_signal(pending[0])


def _locked(out: Path) -> UsageError:
    return UsageError(
        f"{out.name} holds a locked measurement, and this run would give another one: photographs, "
        "manifest, settings or versions differ, or files are missing",
        "name a new --out, or use --force to measure again; the lock will then no longer hold",
    )
