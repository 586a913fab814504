"""What is true about the city, and how it travels."""
