"""`serinus templates`: a file of log messages in, its templates and their classes out.

command   its flags
run       reads, lists and shows
lines     bytes -> lines, of bounded length
listing   lines -> templates, by the code of the pipeline
shown     what a person sees, and the CSV
"""
