"""What is known of alarms now: serinus.alarms, and what people said of them on serinus.rollouts.

`view` holds it in memory, `follower` keeps it up to date; serve shows it, and `alert` tells it to others.
"""
