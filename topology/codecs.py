"""How each topic's messages are written: MessagePack between our own roles, JSON where others read or write.

| topic | key | value |
|---|---|---|
| serinus.summaries | none; the partition says whose it is | `Bundle`, MessagePack |
| serinus.rollouts | `Workload.key` | `WorkloadEvent`, JSON |
| serinus.risk | `Comparison.key` | `RiskDocument`, JSON |
| serinus.watch | `Workload.key` | `RiskDocument`, JSON |
| serinus.alarms | `Alarm.id` | `Alarm`, JSON |
| serinus.alerts | `Alarm.id` | `Delivery` of `alert.ledger`, JSON |
| serinus.dead-letters | none | `DeadLetter`, JSON |
"""

from __future__ import annotations

import msgspec

from streams.errors import BadRecord
from streams.risk.document import RiskDocument
from streams.shippers.faults import DECODE_FAULTS
from streams.watch.alarm import Alarm
from streams.watch.feedback import WorkloadEvent
from streams.windows.summary import Bundle

encode_bundle = msgspec.msgpack.Encoder().encode
decode_bundle = msgspec.msgpack.Decoder(Bundle).decode

_json = msgspec.json.Encoder()  # writes no NaN: not-a-number becomes null, which no document of ours holds
encode_json = _json.encode
decode_rollout_event = msgspec.json.Decoder(WorkloadEvent).decode
decode_risk_document = msgspec.json.Decoder(RiskDocument).decode
decode_alarm = msgspec.json.Decoder(Alarm).decode
DOCUMENT_FAULTS = (*DECODE_FAULTS, BadRecord)
"""All that a document raises whose times are read too: `decode_...`, then `rfc3339_ns`."""
