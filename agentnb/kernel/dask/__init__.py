"""Dask workers as a place: an agent's actions in a process of their own beside a worker. Dask is imported here only."""
