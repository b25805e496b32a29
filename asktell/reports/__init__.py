"""A study as one HTML file: the answer, how it was found, what mattered, and the study itself."""
