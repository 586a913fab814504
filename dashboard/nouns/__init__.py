"""What is true about the city, pure: each noun's events, states, counts, views and alerts; time is an argument."""
