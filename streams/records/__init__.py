"""The vocabulary: whose record (identity), a log line (log) and how bad it is (severity), a metric sample (metric).

And times (times), distributions (histogram), and what a message came to (found).
"""
