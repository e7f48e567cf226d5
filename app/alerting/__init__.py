"""Alarms: somebody asked for a code for an identifier that nobody owns, or a budget of the whole service is spent.

Raised off the path of the request, whose answer is like all others.
"""

from app.alerting.canary_alerts import CanaryAlert, CanaryAlerter, CanaryHit
from app.alerting.limit_alerts import GlobalLimitAlerter
from app.alerting.webhook import AlertWebhook

__all__ = ["CanaryAlert", "CanaryAlerter", "GlobalLimitAlerter", "CanaryHit", "AlertWebhook"]
