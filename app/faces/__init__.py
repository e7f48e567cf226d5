"""The interfaces of the service: JSON API, web pages, and command line."""
