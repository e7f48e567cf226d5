"""The sealed store's mathematics: that what it promises holds, and that whatever is wrong ends in its one error."""
