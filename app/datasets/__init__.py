"""Data sets: who was affected by an incident and which items leaked, sealed row by row.

`importing` imports a file, `lifecycle` decides about publishing and rolling back, `sealed_store` looks people up, `suppression` removes a person,
`integrity` checks a data set against its signed manifest, `synthetic` generates test data.
"""
