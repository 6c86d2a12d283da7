"""Where each point of the baseline's skin lies in the follow-up photograph."""

from scarmetrics.registration.estimate import register
from scarmetrics.registration.result import FailedRegistration, Registration

__all__ = ["FailedRegistration", "Registration", "register"]
