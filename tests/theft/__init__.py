"""What an attacker gets from stolen files and keys. The attacker's code uses the published scheme and shares nothing with the service."""
