"""What a disk, a quota or a folder that goes away costs: one clear error, and nothing finished."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from scarmetrics.errors import UsageError
from scarmetrics.provenance import is_part

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBE_BYTES = 1 << 20  # less than the pictures of one half
_GO_ON = "then run the same command again; what is finished is kept"
_REMEDIES = {
    errno.ENOSPC: f"free space on its disk, {_GO_ON}",
    errno.EDQUOT: f"free space within the quota, or have it raised, {_GO_ON}",
    errno.EFBIG: f"raise the limit of file sizes (ulimit -f), {_GO_ON}",
    errno.EROFS: f"make its disk writable, {_GO_ON}",
    errno.EACCES: f"correct the folder's permissions, {_GO_ON}",
    errno.EPERM: f"correct the folder's permissions, {_GO_ON}",
    errno.EMFILE: f"raise the limit of open files (ulimit -n), {_GO_ON}",
    errno.ENFILE: f"close other programs, {_GO_ON}",
    errno.EIO: f"check the disk and its connection, {_GO_ON}",
    errno.ESTALE: f"check the connection to the network folder, {_GO_ON}",
}
_OTHER = f"check its permissions and the disk's free space, {_GO_ON}"


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Tell what the operating system refuses below OUT as a `UsageError`.

    Parameters
    ----------
    out : pathlib.Path
        OUT.

    Raises
    ------
    UsageError
        Names the file below OUT, the reason and what to do.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(out, error) from error


def unwritable(out: Path, error: OSError, *, begun: bool = True) -> UsageError:
    """The error that says what could not be written, without a path of this machine."""
    if begun and _is_gone(out):
        return gone(out)
    remedy = _REMEDIES.get(error.errno or 0, _OTHER)
    return UsageError(f"{_name(out, error)} cannot be written ({reason(error)})", remedy)


def reason(error: OSError) -> str:
    """The system's words for an error; libraries put paths into theirs."""
    return os.strerror(error.errno) if error.errno else "the system gave no reason"


def gone(out: Path) -> UsageError:
    """OUT is not where it was when the run began."""
    return UsageError(
        f"the output folder {out.name} was moved, removed or replaced while the run went on",
        "bring it back, or name the place where it is now with --out, and run again; finished "
        "halves in it are kept",
    )


def check_out_is_there(out: Path, sign: Path) -> None:
    """Stop before anything is written to a place where OUT was.

    Parameters
    ----------
    out : pathlib.Path
        OUT.
    sign : pathlib.Path
        A file in it that is there as long as the run goes on.

    Raises
    ------
    UsageError
        If it is not there.
    """
    try:
        sign.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise gone(out) from None
    except OSError as error:
        raise unwritable(out, error) from error


def check_writable(folder: Path) -> None:
    """Write and remove a file, to know whether a failed write concerns one file or the disk.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    probe = folder / f".{uuid4().hex}"  # a name that the next run removes
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def _is_gone(out: Path) -> bool:
    try:
        return not out.is_dir()
    except OSError:  # it may be there, and not be looked into
        return False


def _name(out: Path, error: OSError) -> str:
    """The file's name from OUT on; the folder's for temporary files and where none is known."""
    if isinstance(error.filename, str | os.PathLike):
        path = Path(error.filename)
        inside = path.parent if is_part(path.name) else path
        if out in (inside, *inside.parents):
            return (Path(out.name) / inside.relative_to(out)).as_posix()
    return f"the output folder {out.name}"
