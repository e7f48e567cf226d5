"""What the API and the web pages share: services, rate-limited routes, problem responses, and the request middleware."""
