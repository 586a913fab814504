"""What people see: panels, layouts and layers, how they are painted and pushed, and the screens as things."""
