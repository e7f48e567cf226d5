"""What the API and the pages do alike: verify an identifier, report exposures, check a value, acknowledge a notice.

A flow takes the services and plain values, charges the rate limits, opens the units of work, and returns domain objects or raises domain errors.
"""
