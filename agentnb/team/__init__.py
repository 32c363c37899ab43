"""Who works: agents, the roster of a team, and `agentnb.toml`."""
