"""Alerts for operators: a code was requested for a canary identifier, or a service-wide rate limit is exhausted.

They are raised off the request path, so that the response is like any other.
"""

from app.alerting.canary_alerts import CanaryAlert, CanaryAlerter, CanaryHit
from app.alerting.limit_alerts import GlobalLimitAlerter
from app.alerting.webhook import AlertWebhook

__all__ = ["AlertWebhook", "CanaryAlert", "CanaryAlerter", "CanaryHit", "GlobalLimitAlerter"]
