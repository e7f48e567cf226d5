"""What the tests stand on: real servers, a whole deployment, and people who were made up."""
