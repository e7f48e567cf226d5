"""Cryptography of the sealed store: keyed MACs, key stretching, key derivation, authenticated encryption.

Nothing here opens a connection or reads a setting or the time of day. `mac_inputs` and `framing` build what the keyholder computes MACs over,
`stretching` turns a MAC into a digest, `calibration` chooses the cost of that, `key_derivation` derives locators and keys from a digest,
`row_sealing` encrypts stored rows, `json_aead` encrypts small JSON values, `keys` and `key_files` hold the keys, `key_ratchet` and `ratchet_file`
those that are destroyed as time passes.
Known-answer vectors for other implementations are in tests/vectors.
"""
