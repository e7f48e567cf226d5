"""The interface of senders, and the sender that prints to the console."""

import json
import sys
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, TextIO

from app.errors import DependencyUnavailable

Channel = Literal["email", "sms"]


class SendFailed(DependencyUnavailable):
    """The sender did not accept a message; sending is retried until the message expires."""


@dataclass(frozen=True, slots=True)
class Message:
    """A code addressed to one identifier."""

    channel: Channel
    address: str = field(repr=False)
    """In canonical form."""
    code: str = field(repr=False)
    locale: str
    pseudonym: bytes = field(default=b"", repr=False)
    """Names the destination to the rate limits; no sender transmits it."""


class Sender(Protocol):
    """Sends messages through some provider."""

    is_live: ClassVar[bool]
    """Whether messages can reach real people. Live senders are not used with synthetic data: its phone numbers may be real ones."""

    def send(self, message: Message) -> None:
        """Send one message.

        Raises:
            SendFailed: it was not accepted.
        """


class ConsoleSender:
    """Prints each code, for the demo, development and tests. It must be configured explicitly."""

    is_live: ClassVar[bool] = False

    def __init__(self, *, as_json: bool, stream: TextIO | None = None) -> None:
        self._as_json = as_json
        self._stream = stream or sys.stdout

    def send(self, message: Message) -> None:
        """Print one code."""
        if self._as_json:
            line = json.dumps({"event": "code", "to": message.address, "code": message.code})
        else:
            line = f"code for {message.address}: {message.code}"
        self._stream.write(line + "\n")
        self._stream.flush()
