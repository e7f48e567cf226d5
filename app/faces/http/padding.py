"""Personal answers in whole steps of 4 KiB, so that their size says nothing to whoever watches the wire (decision 0020).

What fills them up is white space behind the content: JSON passes over it (RFC 8259, section 2), and so does HTML. Compressed, it would be gone
again: nothing here compresses, and a proxy in front must not.
"""

PADDING_BLOCK = 4096
MIN_PAGE_BLOCKS = 4
"""Of a page at the least: what a leak adds to one is more than a step often has left, and less than these."""


def pad_response(content: bytes, *, min_blocks: int = 1) -> bytes:
    """Fill *content* up with spaces to so many *steps*, or to as many more as it takes."""
    return content + b" " * max(min_blocks * PADDING_BLOCK - len(content), -len(content) % PADDING_BLOCK)
