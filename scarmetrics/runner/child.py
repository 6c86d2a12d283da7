"""A process that measures one job at a time, at the other end of a connection.

Whatever becomes of it shows at the connection: an answer, silence, or its end. So it is always
known which job a dead or hung process had.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from scarmetrics.opencv import cv2
from scarmetrics.runner.worker import where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scarmetrics.config import StudyConfig
    from scarmetrics.runner.jobs import Outcomes, PairJob

    RunJob = Callable[[PairJob, StudyConfig, Path], Outcomes]

START_S = 300.0
"""How long a process may take to start, with its libraries on a slow network folder."""

_READY = "ready"


class ChildDied(Exception):  # noqa: N818  (it is the news, not a mistake)
    """The process ended before it answered."""


class JobRaised(Exception):  # noqa: N818
    """The job itself raised; the text says what and where, without paths of the machine."""


class Child:
    """A process that measures.

    Parameters
    ----------
    connection : Connection
        To the process; what to wait on.
    kill : callable
        Ends the process at once and waits for it.
    """

    def __init__(self, connection: Connection, kill: Callable[[], None]) -> None:
        self.connection = connection
        self.ready = False
        self.kill = kill

    def send(self, job: PairJob, config: StudyConfig, out: Path) -> None:
        """Hand a job over.

        Raises
        ------
        ChildDied
            If the process has ended.
        """
        try:
            self.connection.send((job, config, out))
        except OSError as error:
            raise ChildDied from error

    def receive(self) -> Outcomes | None:
        """What the process says: None when it is ready for its first job, then outcomes.

        Raises
        ------
        ChildDied
            If the process has ended.
        JobRaised
            If the job raised.
        """
        try:
            kind, answer = self.connection.recv()
        except (OSError, EOFError) as error:
            raise ChildDied from error
        if kind == _READY:
            self.ready = True
            return None
        if kind == "raised":
            raise JobRaised(answer)
        outcomes: Outcomes = answer
        return outcomes

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.kill()
        self.connection.close()


def spawn(run: RunJob) -> Child:
    """Start a process of this program: what its script registers is there too.

    Parameters
    ----------
    run : callable
        What it does with a job; a function of a module.
    """
    context = multiprocessing.get_context("spawn")  # OpenCV's threads do not survive a fork
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, run), daemon=True)
    with _signals_held():
        process.start()
    theirs.close()

    def kill() -> None:
        process.kill()
        process.join(timeout=10)

    return Child(ours, kill)


def start_apart(run: RunJob) -> Child:
    """Start a process of the package alone, from where Python lets no process be spawned.

    Parameters
    ----------
    run : callable
        As for `spawn`.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", "from scarmetrics.runner.child import main; main()",
             str(theirs.fileno()), f"{run.__module__}:{run.__name__}"],
            stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip

    def kill() -> None:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        if process.stdin is not None:
            process.stdin.close()

    return Child(Connection(ours.detach()), kill)


def main() -> None:
    """Serve the connection that `start_apart` left open."""
    module, _, name = sys.argv[2].partition(":")
    threading.Thread(target=_die_at_end_of_input, daemon=True).start()
    _serve(Connection(int(sys.argv[1])), getattr(import_module(module), name))


def _serve(connection: Connection, run: RunJob) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # whoever started it answers these, and ends it
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    threadpool_limits(1)
    with suppress(OSError, EOFError):  # the other end has ended
        connection.send((_READY, None))
        while True:
            job, config, out = connection.recv()
            answer: tuple[str, Any]
            try:
                answer = ("done", run(job, config, out))
            except Exception as error:  # noqa: BLE001  (told to whoever asked)
                answer = ("raised", where(error))
            connection.send(answer)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _die_at_end_of_input() -> None:
    os.read(0, 1)  # returns when whoever holds the other end is gone
    os._exit(1)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold Ctrl-C back while a process starts, which inherits this; the parent answers."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Hold libraries to one thread each in this process."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
