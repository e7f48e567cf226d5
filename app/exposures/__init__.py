"""The answer: what of a person's leaked, in which incident, and how sure that is."""

from app.exposures.errors import InvalidValue, VerifyAgain
from app.exposures.folding import Exposure
from app.exposures.service import Answer, CheckResult, Exposures, Proof, SetResult, exposure_id

__all__ = [
    "Answer",
    "CheckResult",
    "Exposure",
    "Exposures",
    "InvalidValue",
    "Proof",
    "SetResult",
    "VerifyAgain",
    "exposure_id",
]
