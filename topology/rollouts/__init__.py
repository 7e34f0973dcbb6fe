"""How we learn what is compared and what became of it, besides being asked.

Kubernetes ──► `watch` ──► `observed` ──┐
notifications of Argo Rollouts ─────────┴──► `serve.notifications` ──► `status` ──► serinus.rollouts
"""
