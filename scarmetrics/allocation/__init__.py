"""After the measurement: lock it, then link it with the randomisation list and questionnaires.

Nothing that measures imports this package; the import contracts see to it.
"""

from scarmetrics.allocation.linking import LinkedStudy, link
from scarmetrics.allocation.locking import Lock, LockError, check_lock, lock
from scarmetrics.allocation.problems import LinkError, Problem, Problems
from scarmetrics.allocation.questionnaires import Questionnaires, read_questionnaires
from scarmetrics.allocation.randomisation import Allocation, Assignment, read_allocation
from scarmetrics.allocation.writing import Written, read_linked, write_linked

__all__ = [
    "Allocation",
    "Assignment",
    "LinkError",
    "LinkedStudy",
    "Lock",
    "LockError",
    "Problem",
    "Problems",
    "Questionnaires",
    "Written",
    "check_lock",
    "link",
    "lock",
    "read_allocation",
    "read_linked",
    "read_questionnaires",
    "write_linked",
]
