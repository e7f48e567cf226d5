"""Exposure Lookup: what of mine leaked, and what do I do now?

Imports run downhill through the layers that `[tool.importlinter]` in pyproject.toml lists.
"""
