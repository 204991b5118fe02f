"""The first look at a photo: the operator's scanner, then intake. What is refused is logged by code and format."""

from __future__ import annotations

import logging
from pathlib import Path

from processing import intake
from processing.errors import InputRejected
from processing.params import ClassificationParams
from processing.types import IntakeReport
from reviewapp.models import Asset

from . import originals, scanning

logger = logging.getLogger(__name__)


def inspected(asset: Asset, limits: ClassificationParams) -> IntakeReport:
    """Scan the stored original, then look at it: what a scanner finds is never opened (SEC-07).

    Raises scanning.ScannerAway, and StageFailed when the original is gone or damaged.
    """
    with originals.of(asset) as path:
        try:
            scanning.require_clean(path)
        except InputRejected as error:
            report = intake.refused_unopened(error)
        else:
            profile = intake.PROFILES[asset.batch.validation_profile]
            report = intake.inspect(path, profile, asset.filename, limits)
    if not report.passed:
        _log_refused(asset, report)
    return report


def _log_refused(asset: Asset, report: IntakeReport) -> None:
    """A rising count of one code or ending is how a broken sender or a missing codec shows (OPS-12, OPS-13).

    The name itself is the client's and stays out of the log.
    """
    ending = Path(asset.filename).suffix.lower()[:12]
    found = report.info.format if report.info else ""
    told = {"asset": asset.pk, "code": report.code, "ending": ending, "format": found, "reason": report.reason[:200]}
    logger.info("photo_refused", extra=told)
