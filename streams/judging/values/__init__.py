"""Are the canary's requests slower, or bigger, value by value? Distributions of per-request values."""
