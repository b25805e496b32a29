"""Parameters, the axes they lie on, and the space they make: params to points and back."""
