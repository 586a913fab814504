"""A small source for each kind of feed, which can be made to fail in every way there is; found by ``SIMULATOR``."""
