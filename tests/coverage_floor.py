"""Fail (exit 1) if the branch coverage of a security-critical package is below 95 %."""

import io
import sys

import coverage

MIN_COVERAGE_PERCENT = 95.0
PACKAGES = ("crypto", "identifiers", "verification", "exposures")

data = coverage.Coverage()
data.load()
packages_below = []
for package in PACKAGES:
    percent = data.report(include=[f"*/app/{package}/*"], file=io.StringIO())
    sys.stdout.write(f"branch coverage of app/{package}: {percent:.1f} %\n")
    if percent < MIN_COVERAGE_PERCENT:
        packages_below.append(package)
if packages_below:
    sys.exit(f"below {MIN_COVERAGE_PERCENT} %: {', '.join(packages_below)}")
