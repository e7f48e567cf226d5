"""Incidents and their notices: what happened, which kinds of items leaked, and what the law requires people to be told."""
