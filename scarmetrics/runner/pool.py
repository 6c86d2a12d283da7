"""Jobs spread over processes; what a crash costs is the job that caused it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
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
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from scarmetrics.config import StudyConfig
    from scarmetrics.runner.jobs import PairJob

    Ended = Callable[[int, JobOutcome], None]

_CRASHED = FailedHalf("worker_crashed")


def run_jobs(
    jobs: Sequence[PairJob], config: StudyConfig, out: Path, workers: int, ended: Ended
) -> None:
    """Run jobs; each one's index and outcome is told as it ends.

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
    ended : callable
        Called with a job's position and its outcome, once for each job unless the run is
        interrupted; a dead process is a failure of its job.
    """
    if workers == 1 or len(jobs) <= 1:
        with _single_threaded():
            for index, job in enumerate(jobs):
                ended(index, run_job(job, config, out))
        return
    unfinished = dict(enumerate(jobs))

    def end(index: int, outcome: JobOutcome) -> None:
        del unfinished[index]
        ended(index, outcome)

    _run_pool(dict(unfinished), config, out, workers, end)
    # A dead process takes the whole pool with it: one at a time tells who did it.
    for index, job in sorted(unfinished.items()):
        _run_pool({index: job}, config, out, 1, end)
        if index in unfinished:
            end(index, JobOutcome(failures=job.failures(_CRASHED, job.sides)))


def _run_pool(
    numbered: Mapping[int, PairJob], config: StudyConfig, out: Path, workers: int, ended: Ended
) -> None:
    """Run some jobs in processes; returns early, with jobs left, when a process dies."""
    context = multiprocessing.get_context("spawn")  # OpenCV's threads do not survive a fork
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    running: dict[Future[JobOutcome], int] = {}
    left = sorted(numbered, reverse=True)
    try:
        while left or running:
            while left and len(running) < 2 * workers:
                with _sigint_held():
                    future = pool.submit(run_job, numbered[left[-1]], config, out)  # may raise
                running[future] = left.pop()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                outcome = future.result()
                ended(running.pop(future), outcome)
    except BrokenProcessPool:
        pass
    except KeyboardInterrupt:
        pool.shutdown(wait=True, cancel_futures=True)
        for future, index in running.items():  # what was under way is finished work too
            if future.done() and not future.cancelled() and future.exception() is None:
                ended(index, future.result())
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _sigint_held() -> Iterator[None]:
    """Hold Ctrl-C back while processes start: they inherit this, and the parent answers."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
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
