"""What moves bytes: Kafka, Faust, HTTP, processes. What is decided is decided in `streams`.

The graph, one hop a line (topic -> role -> topic):

serinus.logs, serinus.metrics      -> ingest -> serinus.summaries, serinus.dead-letters
serinus.summaries, serinus.rollouts -> score  -> serinus.risk (and its changelog)
serinus.risk                       -> serve  -> HTTP, pages, gauges
serinus.alarms, serinus.rollouts   -> serve  -> HTTP, pages, gauges
serinus.alarms, serinus.rollouts   -> alert  -> Alertmanager, a webhook, serinus.alerts
HTTP queries, Argo's notifications -> serve  -> serinus.rollouts

settings, topics, codecs    what is configured, where it goes, how it is written
policy_file, file_mark      what the operator set, read again when it changes
schemas                     the JSON Schemas of what others read and write
telemetry, log              what the pipeline says of itself
ingest/ score/ serve/       the three roles; roles.py runs one in this process
alarms/                     what is known of alarms, for serve and alert
alert/                      the role that tells others of alarms
topic_follower, freshness   whole topics read into memory, and how far
rollouts/                   what a Rollout's status says of its comparisons
verify                      the job of an AnalysisTemplate, which asks serve
pipeline, supervise         all of them on one machine, as child processes
embedded                    a broker for trying out
demo/                       two made-up rollouts through all of it
templates/                  the templates of a file, without Kafka
__main__, cli               serinus ...: its first second, and the rest
"""
