"""Alarms: somebody asked for a code for an identifier that nobody owns, or a budget of the whole service is spent.

Raised off the path of the request, whose answer is like all others.
"""

from app.alarms.alarms import Alarm, Alarms, Touch
from app.alarms.overspent import Overspent
from app.alarms.webhook import Webhook

__all__ = ["Alarm", "Alarms", "Overspent", "Touch", "Webhook"]
