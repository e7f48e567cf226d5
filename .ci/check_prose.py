"""Fail on ornate or private wording in code comments, docstrings, error texts and documents.

The list holds phrases that an earlier version of this project used for standard terms. docs/glossary.md has the terms to use.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SELF = ".ci/check_prose.py"
SUFFIXES = {".py", ".md", ".html", ".toml", ".yaml", ""}

PHRASES = {
    r"\bwhoever\b|\bwhomever\b": "name the actor: the client, the caller, an attacker",
    r"\bnobody'?s\b|\bnobodies\b": "canary, or no one",
    r"\baskers?\b": "client",
    r"\bof which\b": "start a new sentence",
    r"\bat the (most|least)\b": "at most, at least",
    r"\bsaid aloud\b|\basked for aloud\b": "set explicitly",
    r"\bas ever\b": "as usual",
    r"\bthie(f|ves)\b": "attacker",
    r"\bmeanwhile taken\b|\bfell silent\b": "does not respond",
    r"\bedition\b": "catalog version",
    r"\bcloak(s|ed|ing)\b|\buncloak": "encrypt the locator",
    r"\bglances?\b": "optimistic read",
    r"\bzygote\b|\boverspent\b|\bunforeseen\b": "see docs/glossary.md",
    r"\bstands? for itself\b|\bin time to\b|\bit is told\b": "use normal word order and name the actor",
    r"\bspelled out by lot\b|\bby lot\b": "at random",
    r"\bmade[ -]up (people|data)\b": "synthetic",
    r'"""(Give|Know|Say|Tell|Do as|Find out)\b': "start a docstring with Return, Create, Raise, Read, Check …",
    r"(?<!\w)walks? off with": "steals",
}


def tracked_files() -> list[str]:
    """Return the tracked and new files that hold prose."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    skipped = (
        SELF,
        "LICENSE",
        "requirements",
        "migrations/versions/000",
        "tests/migrations",
        "tests/vectors",
    )  # stored names
    return [name for name in names if Path(name).suffix in SUFFIXES and not name.startswith(skipped)]


def findings() -> list[str]:
    """Return one line for each phrase found: file, line, phrase and what to write instead."""
    patterns = [(re.compile(pattern, re.IGNORECASE), advice) for pattern, advice in PHRASES.items()]
    found = []
    for name in tracked_files():
        path = ROOT / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            found += [
                f"{name}:{number}: {match[0]!r}: {advice}"
                for pattern, advice in patterns
                if (match := pattern.search(line))
            ]
    return found


if __name__ == "__main__":
    if lines := findings():
        sys.exit("\n".join(lines))
