"""Foreign bytes to records: one file per format, one table of formats.

reader                      what every reader promises
formats                     which formats there are, and the reader of a topic: fixed or detected per message
container_lines, line       one container log line as JSON: Fluent Bit, Vector and Filebeat, the hot path
  merged_keys               the same, where keys are doubled or of odd types
  fluent_bit, vector_logs, filebeat
otlp                        OpenTelemetry rows, whatever the encoding
  otlp_json, otlp_proto     bytes -> rows
  otlp_logs, otlp_metrics   rows -> records; otlp_identity: whose they are
prometheus_kafka_adapter, vector_metrics
identity                    whose record it is: hash, pod, workload, from whatever labels there are
names, times, series, values, histograms, cache, faults: the rules they share
"""
