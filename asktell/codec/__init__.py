"""Values to plain dicts and back, with schema versions."""
