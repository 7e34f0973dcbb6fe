"""The serve role: what Rollouts, Prometheus and people read; any replica gives the same answer.

serinus.risk ──► `follower` ──► `view` ──┬──► `answer`  ──┬─► `api`     GET /v1/risk, /v1/comparisons
                                         │                └─► `kayenta` /kayenta/...
                                         ├──► `gauges`  ──► `probes` GET /metrics, /healthz, /readyz
                                         └──► `chart`   ──► `pages`  GET /, /comparisons/...
serinus.alarms, serinus.rollouts ──► topology.alarms ──► `alarms` GET /v1/alarms, `alarm_gauges`, `alarm_page`
serinus.summaries ──► `sightings` ──► `directory`: whose two hashes are, where a question does not say
unknown pairs, and what Argo tells (`notifications`, POST /v1/argo/rollouts) ──► `rollouts` ──► serinus.rollouts

`queries` checks what is asked, `routes` names what can be asked, `openapi` describes it, `bearer` and `middlewares`
stand before all of it, and `server` puts them together.
"""
