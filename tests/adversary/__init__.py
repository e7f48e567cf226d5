"""An adversary to test against: a bounded simulation, on loopback, of who asks about others and of honest people beside him.

`simulation.py` is the world, `attackers.py` what he tries, `honest.py` what the others do, `ledger.py` what he saw, `report.py` what came of it.
"""
