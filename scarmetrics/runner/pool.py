"""Jobs spread over processes; what a crash costs is the job that caused it."""

from __future__ import annotations

import multiprocessing
import signal
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from scarmetrics.models import FailedHalf
from scarmetrics.opencv import cv2
from scarmetrics.runner.jobs import JobOutcome
from scarmetrics.runner.worker import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scarmetrics.config import StudyConfig
    from scarmetrics.runner.jobs import PairJob


def run_jobs(
    jobs: Sequence[PairJob], config: StudyConfig, out: Path, workers: int
) -> Iterator[tuple[int, JobOutcome]]:
    """Run jobs and yield each one's index and outcome as it ends.

    Libraries are held to one thread each, so that the order and number of workers do not change a
    byte and workers do not fight for cores.

    Parameters
    ----------
    jobs : sequence of PairJob
        What to measure.
    config : StudyConfig
        Parameters.
    out : pathlib.Path
        OUT.
    workers : int
        Processes; 1 runs in this one.

    Yields
    ------
    index : int
        Position in `jobs`.
    outcome : JobOutcome
        Its result; a dead process is a failure of its job.
    """
    if workers == 1 or len(jobs) <= 1:
        with _single_threaded():
            for index, job in enumerate(jobs):
                yield index, run_job(job, config, out)
        return
    waiting = list(range(len(jobs)))
    unfinished: list[int] = []
    for index, outcome in _run_pool(jobs, waiting, config, out, workers):
        if outcome is None:
            unfinished.append(index)
        else:
            yield index, outcome
    # A dead process takes the whole pool with it: one at a time tells who did it.
    for index in unfinished:
        for _, outcome in _run_pool(jobs, [index], config, out, 1):
            yield index, outcome or _crashed(jobs[index])


def _run_pool(
    jobs: Sequence[PairJob], indices: Sequence[int], config: StudyConfig, out: Path, workers: int
) -> Iterator[tuple[int, JobOutcome | None]]:
    """Outcomes as they come; None for a job that a dead process took down."""
    context = multiprocessing.get_context("spawn")  # OpenCV's threads do not survive a fork
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    running: dict[Future[JobOutcome], int] = {}
    left = iter(indices)
    try:
        while True:
            while len(running) < 2 * workers and (index := next(left, None)) is not None:
                running[pool.submit(run_job, jobs[index], config, out)] = index
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = future.result()  # may raise: the job must still count as running
                yield running.pop(future), outcome
    except BrokenProcessPool:
        for index in sorted({*running.values(), *left}):
            yield index, None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _crashed(job: PairJob) -> JobOutcome:
    return JobOutcome(failures=job.failures(FailedHalf("worker_crashed"), job.sides))


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    cv2.setNumThreads(1)
    threadpool_limits(1)


@contextmanager
def _single_threaded() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
