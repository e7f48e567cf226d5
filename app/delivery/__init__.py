"""Delivery of codes: a transactional outbox, and senders behind one interface.

A message is encrypted from the moment it is written until it is handed to a sender. Its row is deleted at delivery or expiry.
"""

from app.delivery.models import OutboxRow
from app.delivery.outbox import Outbox
from app.delivery.senders import Channel, ConsoleSender, Message, Sender, SendFailed

__all__ = ["Channel", "ConsoleSender", "Message", "Outbox", "OutboxRow", "SendFailed", "Sender"]
