"""Pages for reviewers, made from what a run left in OUT, and the decisions they take there.

Nothing is measured here, and no measurement is changed.
"""

from scarmetrics.report.folder import HalfKey, RunFolder, read_folder
from scarmetrics.report.hashes import half_result_hash, run_hash
from scarmetrics.report.pages import REPORT, write_report
from scarmetrics.report.review import REVIEW, Agreement, Review, cohens_kappa, import_reviews
from scarmetrics.report.review_file import Decision

__all__ = [
    "REPORT",
    "REVIEW",
    "Agreement",
    "Decision",
    "HalfKey",
    "Review",
    "RunFolder",
    "cohens_kappa",
    "half_result_hash",
    "import_reviews",
    "read_folder",
    "run_hash",
    "write_report",
]
