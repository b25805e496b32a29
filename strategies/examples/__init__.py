"""Small models with their data, for trying the strategies out."""
