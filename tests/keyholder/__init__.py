"""Tests of app.keyholder, with real processes: what each socket allows, starting, and failures."""
