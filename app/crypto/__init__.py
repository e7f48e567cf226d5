"""The sealed store's mathematics: one keyed function, one stretch, one expansion, two seals.

Nothing here opens a connection, reads a setting or the time of day. `framing` and `messages` say what the keyholder is asked, `scheme` stretches its
answer, `calibration` prices that, `expansion` derives places and keys from the digest, `seal` closes a row, `keyfiles` keeps the keys on disk.
The known-answer vectors are in tests/vectors, so that another implementation can check itself.
"""
