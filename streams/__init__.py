"""What Serinus decides: values in, values out. No Kafka, no HTTP, no clock, no environment.

The stages, in order:

records    the vocabulary: whose record, a log line, a metric sample
shippers   foreign bytes -> records, one file per format
windows    records -> summaries that merge in any order; watermarks that say when a window is complete
templates  signatures -> log templates, with examples, and the class of each
signals    which series tells of what, and which way is worse
policy     what an operator set -> what holds for one workload
judging    summaries -> evidence -> risk and verdict, one statistical question per file
risk       the document the outside reads
watch      production after promotion: what is normal, what rings, who may be to blame
workload   one workload's life: revisions seen, comparisons running; summaries in, risk documents out
"""
