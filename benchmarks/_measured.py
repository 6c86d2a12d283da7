"""Time and peak memory of one call, run in a process of its own."""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

MIB = 2**20


class Measured(NamedTuple):
    """A call's result and what it took.

    Attributes
    ----------
    result : object
        What the function returned.
    seconds : float
        Processor time of all its threads: what else the machine does matters less. With one
        thread, the time it takes on an idle machine.
    peak_mib_above_start : float
        Peak of resident memory above what was resident when the call began.
    """

    result: Any
    seconds: float
    peak_mib_above_start: float


def measured(function: Callable[..., Any], *args: Any) -> Measured:
    """Call a function in a forked process, so that the peak of memory is that call's alone.

    The arguments are inherited and not copied; the result comes back through a pipe, after its
    memory was read. Libraries that the function loads on first use count as its own time and
    memory: load them before. Linux only.

    Parameters
    ----------
    function : callable
        What to call.
    *args : object
        Its arguments.

    Returns
    -------
    Measured

    Raises
    ------
    RuntimeError
        If the process ended without an answer, such as for want of memory.
    Exception
        Whatever the function raised.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_call, args=(theirs, function, args))
    sys.stdout.flush()
    child.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        answer = None
    finally:
        child.join()
        ours.close()
    if answer is None:
        raise RuntimeError(f"the measured process ended without an answer, code {child.exitcode}")
    if isinstance(answer, BaseException):
        raise answer
    return Measured(*answer)


def _call(pipe: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    gc.collect()
    # memory that the parent had freed but kept would be taken again unseen
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts here
    before = _peak_bytes()
    started = time.process_time()
    try:
        result = function(*args)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - raised again by the parent
        pipe.send(error)
        return
    seconds = time.process_time() - started
    pipe.send((result, seconds, max(0, _peak_bytes() - before) / MIB))


def _peak_bytes() -> int:
    """Peak of resident memory since it was last cleared."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell the peak of memory")
