"""Exposure Lookup: a service that tells the people affected by a data breach what of theirs leaked, and reveals nothing to others.

See docs/architecture.md for the packages, their layers and a glossary.
"""
