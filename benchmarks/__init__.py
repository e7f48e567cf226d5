"""Performance measurements, each against a reference measured on the same machine. They are not tests: no build fails because of a result."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).parents[1]
"""The working directory of the measured commands."""
