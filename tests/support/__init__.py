"""Test support: real servers, whole deployments, and made-up people."""
