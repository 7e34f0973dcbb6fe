"""How would the judge have done? Recorded cases through the very code of score, on a hand-moved clock.

mirror    the same recording with time running backwards, another causal order of the same cases
replay    one case: records -> windows -> documents
schedule  which cases a case may know, and so which may be replayed when
past      what those have taught
run       all cases of all recordings, in as many processes as help
report    false alarms, what was found and when, with intervals
plots     one picture a case
"""
