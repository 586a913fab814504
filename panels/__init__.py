"""The things on a screen, one file each."""
