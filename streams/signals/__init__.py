"""Which metric series are signals, and what about them is worse."""
