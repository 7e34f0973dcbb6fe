"""The serve role: what Rollouts, Prometheus and people read; any replica gives the same answer.

serinus.risk ──► `follower` ──► `view` ──┬──► `answer`  ──► `api`    GET /v1/risk, /v1/comparisons
                                         ├──► `gauges`  ──► `probes` GET /metrics, /healthz, /readyz
                                         └──► `chart`   ──► `pages`  GET /, /comparisons/...
unknown pairs ──► `rollouts` ──► serinus.rollouts

`queries` checks what is asked, `routes` names what can be asked, `openapi` describes it, `bearer` and `middlewares`
stand before all of it, and `server` puts them together.
"""
