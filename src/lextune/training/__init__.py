"""Changes weights; it knows neither metrics nor policy."""
