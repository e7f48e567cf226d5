"""Exposures: what of a person's data leaked, in which incident, and how certain that is."""

from app.exposures.aggregation import Exposure
from app.exposures.errors import InvalidValue, ReverificationNeeded
from app.exposures.service import (
    DataSetResult,
    ExposureReport,
    ExposureService,
    IdentifierDigest,
    ValueCheckResult,
    exposure_id,
)

__all__ = [
    "DataSetResult",
    "Exposure",
    "ExposureReport",
    "ExposureService",
    "IdentifierDigest",
    "InvalidValue",
    "ReverificationNeeded",
    "ValueCheckResult",
    "exposure_id",
]
