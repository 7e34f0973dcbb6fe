"""After promotion: is what production does now what it has been doing?

closed windows ──► signals ──► a model of normal each (`Reading`) ──► one incident, one `Alarm` ──► serinus.alarms
"""
