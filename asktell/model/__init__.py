"""The model: what the points and targets so far say of all other points. Arrays in, arrays out."""
