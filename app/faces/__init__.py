"""The ways in: HTTP API, web pages, command line. They hold status codes, pages and schemas; what is true is decided further down."""
