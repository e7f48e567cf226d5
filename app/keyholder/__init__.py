"""Whoever holds the pepper and answers HMACs with it: its own process, reached through one of two doors.

    lookup   one message a call, never a subject: what a running server may ask
    import   batches, and subjects: what an operator opens for the load of a data set; a server never holds it

The application knows the doors, never the pepper. `child` starts a keyholder of one's own where no other is configured.
"""

from app.keyholder.child_process import spawn_keyholder
from app.keyholder.client import KeyholderClient, KeyholderUnavailable
from app.keyholder.protocol import IMPORT_SOCKET_SUFFIX, KeyholderSocket, import_socket_path
from app.keyholder.server import serve

__all__ = ["IMPORT_SOCKET_SUFFIX", "KeyholderSocket", "KeyholderClient", "KeyholderUnavailable", "import_socket_path", "serve", "spawn_keyholder"]
