"""Records to summaries that merge in any order."""
