"""Exposure Lookup: what of mine leaked, and what do I do now?

The layers, from the top: main, faces, acknowledgements, exposures, datasets | verification, incidents | limits | delivery,
keyholder | db, crypto | identifiers | config | clock, errors. Imports run downhill; the linter holds it.
"""
