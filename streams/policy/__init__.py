"""What an operator sets: signals, weights, directions, tolerances, criticality, log classes, thresholds."""
