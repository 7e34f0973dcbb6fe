"""The vocabulary: whose record it is (identity), a log line (log), a metric sample (metric)."""
