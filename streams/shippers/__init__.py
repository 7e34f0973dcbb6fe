"""Foreign bytes to records: one file per format, one table of formats (formats)."""
