"""How a run is carried out; nothing here changes a number."""

from __future__ import annotations

from scarmetrics.config.values import Positive
from scarmetrics.strict_yaml import Section


class RunConfig(Section):
    """How a run is carried out.

    Attributes
    ----------
    timeout_s : float
        Longest time for one pair of photographs; then its process is ended. Holds where pairs are
        measured in processes of their own.
    """

    timeout_s: Positive = 600.0
