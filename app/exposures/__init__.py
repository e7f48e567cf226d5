"""The answer: what of a person's leaked, in which incident, and how sure that is."""

from app.exposures.errors import InvalidValue, ReverificationNeeded
from app.exposures.aggregation import Exposure
from app.exposures.service import ExposureReport, ValueCheckResult, ExposureService, IdentifierDigest, DataSetResult, exposure_id

__all__ = [
    "Answer",
    "ValueCheckResult",
    "Exposure",
    "Exposures",
    "InvalidValue",
    "Proof",
    "DataSetResult",
    "ReverificationNeeded",
    "exposure_id",
]
