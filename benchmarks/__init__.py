"""What the service costs, measured on this machine against something known. Figures, never tests: no build fails on one."""
