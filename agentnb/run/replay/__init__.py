"""Playing a recorded run again, and where it comes out differently."""
