"""Pages for reviewers, made from what a run left in OUT, and the decisions they take there.

Nothing is measured here, and no measurement is changed.
"""

from scarmetrics.report.folder import HalfKey, RunFolder, read_folder
from scarmetrics.report.hashes import half_result_hash, run_hash
from scarmetrics.report.pages import write_report

__all__ = [
    "HalfKey",
    "RunFolder",
    "half_result_hash",
    "read_folder",
    "run_hash",
    "write_report",
]
