"""What a run leaves behind, as pure data."""
