"""Where things are: coordinate systems, outlines, schematic maps, and the files of places."""
