"""What the service costs, measured on this machine against something known. Figures, never tests: no build fails on one."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).parents[1]
"""The project's root, where the commands that are measured are run."""
