"""The keyholder, as a process of its own: what its doors admit, and how it fails."""
