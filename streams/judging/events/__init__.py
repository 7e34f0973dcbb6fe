"""Does the canary have more events than its exposure explains? Events that counters, not logs, tell of."""
