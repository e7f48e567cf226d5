"""Alarms: somebody asked for a code for an identifier that nobody owns. Raised off the path of the request, whose answer is like all others."""

from app.alarms.alarms import Alarm, Alarms, Touch
from app.alarms.webhook import Webhook

__all__ = ["Alarm", "Alarms", "Touch", "Webhook"]
