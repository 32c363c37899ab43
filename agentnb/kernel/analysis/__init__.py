"""What an action is known to do before it runs, told from its code."""
