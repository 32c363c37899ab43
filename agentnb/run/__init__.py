"""How the work goes: a run, its workers, delegation, ledger, budget and prompts."""
