"""Foreign bytes to records: one file per format, one table of formats.

formats           which formats there are, and the reader of a topic: fixed or detected per message
container_line    what Fluent Bit, Vector and Filebeat have in common: one container log line as JSON
  merged_keys     the same, where keys are doubled or of odd types
  fluent_bit, vector_logs, filebeat
otlp              OpenTelemetry rows, whatever the encoding
  otlp_json, otlp_proto         bytes -> rows
  otlp_logs, otlp_metrics       rows -> records
prometheus_kafka_adapter, vector_metrics
identity          whose record it is: hash, pod, workload, from whatever labels there are
names, severity, times, series, cache, faults   the rules they share
"""
