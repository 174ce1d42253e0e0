"""Every interval, overlap, lease and grace, read once from `GTMOPS_…` and typed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Self


class TuningError(ValueError):
    """A `GTMOPS_…` variable is not the number it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Read as `settings.GTMOPS.pull_seconds`; set as `GTMOPS_PULL_SECONDS`. Units are in the names."""

    # Reading the CRMs.
    pull_seconds: float = 60.0
    salesforce_overlap_seconds: int = 600  # how far behind the CRM's clock a cursor may be saved
    hubspot_overlap_seconds: int = 3600  # HubSpot's search index lags by minutes
    absence_feed_seconds: int = 900  # between two readings of a calendar of absences
    deletions_seconds: int = 900  # between two readings of a list of what was deleted (HubSpot)
    comparison_hour: int = 2  # of the day in UTC, when the CRMs' ids are compared with ours; 24 is midnight
    webhook_tolerance_seconds: int = 300  # older signatures are refused
    api_budget_percent: int = 50  # of what the CRM says is left of the day

    # Reading files.
    import_max_bytes: int = 50_000_000  # of one file, unpacked
    import_days: int = 14  # how long a file somebody sent, and a draft of an import, are kept

    # Writing to the CRMs.
    hold_after_changes: int = 2  # changes by others within hold_window_seconds put a field on hold
    hold_window_seconds: int = 86_400
    push_records_a_day: int = 10_000  # of one connection, where its page says nothing else
    write_log_days: int = 90  # how long it is kept what became of each record sent
    rules_check_seconds: int = 86_400  # between two looks whether our rules in a CRM stand as we made them

    # One HTTP policy.
    http_connect_seconds: float = 5.0
    http_read_seconds: float = 10.0
    http_total_seconds: float = 30.0
    http_max_bytes: int = 20_000_000

    # Time and leases.
    tick_seconds: float = 5.0  # of Celery beat; the ticker sleeps less
    tick_idle_seconds: float = 1.0  # the longest sleep of `manage.py tick --loop`
    tick_batch: int = 500
    bulk_per_minute: int = (
        100  # as much of one kind in one minute is a bulk change: its clocks are only measured
    )
    lease_seconds: int = 90  # must exceed http_total_seconds by a minute
    pipeline_batch: int = 200  # journeys per transaction
    postpone_seconds: int = 60  # a journey that failed; doubles
    verify_grace_seconds: int = 600  # a CRM that can't be read this long: breached, not verified

    # The operating model.
    model_check_seconds: int = 86_400  # between two checks of the model against the CRMs

    # Views of clocks.
    worked_days: int = 10  # working days in which a lead must be worked before it counts as abandoned
    smallest_group: int = 5  # no figures of groups of fewer people, but to themselves and their manager

    # Signals of products and other tools.
    signal_days: int = 400  # how long they are kept

    # Effects.
    effect_attempts: int = 10  # then dead, shown, with a retry button
    effect_backoff_seconds: int = 10  # doubles, up to
    effect_backoff_cap_seconds: int = 900
    message_gather_seconds: float = 5.0  # the first message of a group waits so long for others to join it
    message_window_seconds: int = 900  # after one, the next of its group wait to come as one

    # People.
    session_idle_seconds: int = 1800
    session_absolute_seconds: int = 43_200
    progress_poll_seconds: float = 2.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Raises TuningError naming every variable that is not a number above 0."""
        source = os.environ if environ is None else environ
        values: dict[str, int | float] = {}
        faults = []
        for field in fields(cls):
            variable = f"GTMOPS_{field.name.upper()}"
            text = source.get(variable, "").strip()
            if not text:
                continue
            whole = isinstance(field.default, int)
            try:
                number = int(text) if whole else float(text)
                if not number > 0:
                    raise ValueError
            except ValueError:
                wanted = "a whole number" if whole else "a number"
                faults.append(f"{variable} must be {wanted} above 0, not {text!r}")
            else:
                values[field.name] = number
        if faults:
            raise TuningError("; ".join(faults))
        tuning = cls(**values)  # type: ignore[arg-type]  # each value has the type of its field's default
        if tuning.lease_seconds <= tuning.http_total_seconds:
            raise TuningError("GTMOPS_LEASE_SECONDS must be greater than GTMOPS_HTTP_TOTAL_SECONDS")
        return tuning

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)
