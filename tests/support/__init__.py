"""Test support: real servers, whole deployments, and synthetic people."""
