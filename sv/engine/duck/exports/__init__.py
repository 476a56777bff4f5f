"""Events out, as files."""
