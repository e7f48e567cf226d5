"""What a sender is, and the one that prints."""

import json
import sys
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, TextIO

from app.errors import DependencyUnavailable

Channel = Literal["email", "sms"]


class SendFailed(DependencyUnavailable):
    """A message was not taken; it is tried again until it expires."""


@dataclass(frozen=True, slots=True)
class Message:
    """One code on its way to one identifier, in canonical form."""

    channel: Channel
    to: str = field(repr=False)
    code: str = field(repr=False)
    locale: str


class Sender(Protocol):
    """Hands messages to whoever carries them."""

    is_live: ClassVar[bool]
    """Whether a message may arrive at somebody: never where data is synthetic, since its phone numbers may be real ones."""

    def send(self, message: Message) -> None:
        """Hand over one message.

        Raises:
            SendFailed: it was not taken.
        """


class ConsoleSender:
    """Prints each code: for the demo, for development and for tests. It must be asked for aloud."""

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
