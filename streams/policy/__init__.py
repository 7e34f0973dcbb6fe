"""What an operator sets: signals, weights, directions, tolerances, criticality, log classes, thresholds.

From the file to the judging, in order:

yaml_text        text -> values with their lines
written          how each value is written, and what is allowed
document         what may stand in a file: the structs, and with them the JSON Schema
conversion       located values -> the document, or all that does not fit
agreement        whether the values go together
reader           all of that: `read`
policy_file      what was read, and which entries hold for a workload
effective        what they come to: `effective` -> `workload_policy.WorkloadPolicy`
rules            what that makes of a signal's rule: `apply`, `counted`, `named`
explanation      where each value comes from: `explain`
statement        what a comparison's document says of it: `statement`
"""
