"""A recording: what two revisions said and counted while they were compared, as files of one directory.

cases.json          which pairs of revisions, from when to when; a label where somebody knows how it ended
logs.jsonl[.gz]     one log line a line
metrics.jsonl[.gz]  one metric sample a line

Either file of records may be missing. `serinus record` writes this layout, `serinus backtest` reads it.
"""
