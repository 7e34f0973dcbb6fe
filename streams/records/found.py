"""What may a message hold? The records that readers find and the roller counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from streams.errors import BadRecord
from streams.records.log import LogRecord
from streams.records.metric import MetricSample

Record: TypeAlias = LogRecord | MetricSample
Found: TypeAlias = Record | BadRecord | Sequence[Record | BadRecord]
"""What one message came to: a record, why there is none, or many of both."""
