"""Where code runs: the port, its live and scratch adapters, and what an action did to the variables."""
