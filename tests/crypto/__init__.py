"""Tests of app.crypto: its guarantees hold, and every kind of bad input ends in one documented error."""
