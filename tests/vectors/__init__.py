"""Known-answer vectors of the sealed store, and a second implementation that shares only the primitives with app."""
