"""What evaluating a point promises, and where that is greatest. Knows neither params nor trials."""
