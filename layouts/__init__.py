"""The screens, one file each: a picture of where panels stand."""
