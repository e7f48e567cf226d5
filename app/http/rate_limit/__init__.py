"""Limits on requests of one client address: fixed windows by slowapi, charged around a route's whole handler."""
