"""Whoever holds the pepper and answers HMACs with it: its own process, reached through one of two doors.

    lookup   one message a call, never a subject: what a running server may ask
    import   batches, and subjects: what an operator opens for the load of a data set; a server never holds it

The application knows the doors, never the pepper. `child` starts a keyholder of one's own where no other is configured.
"""

from app.keyholder.child import start_child
from app.keyholder.client import Keyholder, KeyholderUnavailable
from app.keyholder.doors import IMPORT_SUFFIX, Door, import_path
from app.keyholder.server import serve

__all__ = ["IMPORT_SUFFIX", "Door", "Keyholder", "KeyholderUnavailable", "import_path", "serve", "start_child"]
