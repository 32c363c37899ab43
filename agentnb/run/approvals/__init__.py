"""What waits for the person, and whether an action may run."""
