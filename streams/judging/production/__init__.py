"""A revision with nothing beside it, held against what the workload's production did before it came."""
