"""What the API and the web pages share: services, limits on routes, problems, and the outermost layer."""
