"""The kinds of outside system, one file each."""
