"""The keyholder: a separate process that holds the pepper and computes HMACs with it, reached through one of two Unix sockets.

    lookup   one MAC per request, never of a subject: for a running server
    import   batches, and subjects: opened by an operator while a data set is imported; a server never holds it

The application knows the sockets, never the pepper. `child_process` starts a private keyholder if none is configured.
"""

from app.keyholder.child_process import spawn_keyholder
from app.keyholder.client import KeyholderClient, KeyholderUnavailable
from app.keyholder.protocol import IMPORT_SOCKET_SUFFIX, KeyholderSocket, import_socket_path, require_own_folder
from app.keyholder.server import serve

__all__ = [
    "IMPORT_SOCKET_SUFFIX",
    "KeyholderClient",
    "KeyholderSocket",
    "KeyholderUnavailable",
    "import_socket_path",
    "require_own_folder",
    "serve",
    "spawn_keyholder",
]
