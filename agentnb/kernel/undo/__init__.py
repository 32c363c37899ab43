"""Checkpoints of the variables an action may change, the difference afterwards, and the way back."""
