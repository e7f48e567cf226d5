"""Getting a code to its owner: a transactional outbox, and senders behind one interface.

A message is sealed from the moment it is written until a sender has it, and its row is gone at delivery or expiry.
"""

from app.delivery.models import OutboxRow
from app.delivery.outbox import Outbox
from app.delivery.senders import Channel, ConsoleSender, Message, Sender, SendFailed

__all__ = ["Channel", "ConsoleSender", "Message", "Outbox", "OutboxRow", "SendFailed", "Sender"]
