"""One action: from text to a cell, what it prints and shows, how it is stopped, and what it leaves of the process."""
