"""Known answers of the sealed store, and an implementation that shares nothing with ours but the primitives."""
