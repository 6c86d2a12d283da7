"""A scale that could not be had, with the reason."""

from __future__ import annotations

from scarmetrics.models import Failure


class ScaleNotFound(Failure):
    """No scale from this source; falsy, carries the reason.

    Parameters
    ----------
    reason_code, detail : str
        As for `Failure`.
    """
