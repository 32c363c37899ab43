"""One task tried several times at once: the best try is kept."""
