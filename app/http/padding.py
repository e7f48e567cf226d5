"""Pads personal responses to whole blocks of 4 KiB, so that their size reveals nothing to an observer of the network (decision 0020).

The padding is white space after the content, which JSON (RFC 8259, section 2) and HTML ignore. Compression would remove it again: nothing here
compresses, and a proxy in front must not.
"""

PADDING_BLOCK = 4096
"""Bytes."""
FORM_PAGE_BLOCKS = 2
"""Minimum size of the first two pages, which show masked identifiers: ten of them fit."""
COOKIE_BLOCK = 512
"""Bytes of the verification cookie before base64, chosen so that the longest masked address fits."""
MIN_PAGE_BLOCKS = 4
"""Minimum page size in blocks, chosen larger than the HTML that an exposure adds, so that affected and unaffected pages have the same size."""


def pad_response(content: bytes, *, min_blocks: int = 1) -> bytes:
    """Pad *content* with spaces to *min_blocks* blocks, or to the next whole block if it is longer."""
    return content + b" " * max(min_blocks * PADDING_BLOCK - len(content), -len(content) % PADDING_BLOCK)
