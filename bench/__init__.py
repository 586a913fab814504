"""The measurements, run by one command."""
