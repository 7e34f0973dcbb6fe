"""How would the judge have done? Recorded cases through the very code of score, on a hand-moved clock.

mirror    the same recording with time running backwards, another causal order of the same cases
replay    one case: records -> windows -> documents
schedule  which past a case may know, and so which case may be replayed when
run       all cases of all recordings, in as many processes as help
report    false alarms, what was found and when, with intervals
plots     one picture a case
"""
