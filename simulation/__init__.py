"""An attacker to test against: a bounded simulation, on loopback, of enumeration and guessing with honest users beside it.

`run.py` runs the participants, `attack_plan.py` has the attacker's strategies, `honest_users.py` the honest users, `observations.py` what the
attacker observed, `report.py` the results.
"""
