"""The ways in: commands, the doors of the site, supervisor, gallery, and what tells how the house is doing."""
