"""Check a commit message: an imperative subject of at most 72 characters, then a blank line and a body that says why."""

import sys
from pathlib import Path

MAX_SUBJECT = 72


def errors(message: str) -> list[str]:
    """Return what is wrong with *message*; comment lines are ignored, as git does."""
    lines = [line for line in message.splitlines() if not line.startswith("#")]
    subject = lines[0] if lines else ""
    found = []
    if not subject.strip():
        found.append("the subject is empty")
    if len(subject) > MAX_SUBJECT:
        found.append(f"the subject has {len(subject)} characters, more than {MAX_SUBJECT}")
    if subject.endswith("."):
        found.append("the subject ends with a full stop")
    if len(lines) > 1 and lines[1].strip():
        found.append("the second line is not blank")
    return found


if __name__ == "__main__":
    if problems := errors(Path(sys.argv[1]).read_text(encoding="utf-8")):
        sys.exit("commit message: " + "; ".join(problems))
