"""The alert role: tells Alertmanager and a webhook of the alarms; one process is enough.

serinus.alarms, serinus.rollouts ──► `alarms.view` ──┬──► `alertmanager` ──► POST /api/v2/alerts of each
                          serinus.alerts ◄──► `ledger` ──┴──► `webhook` ──► one signed POST a change

`sender` puts them together. Nothing is decided here on what is an alarm: both are brought to where the view is, again
and again, so that an outage of theirs, ours or Kafka's is a delay and no loss.
"""
