"""The simulated attacker of `simulation/`, run against a deployment."""
