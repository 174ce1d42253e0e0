from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from effects.models import NotificationPreferences

if TYPE_CHECKING:
    _Form = forms.ModelForm[NotificationPreferences]
else:  # generic only in the stubs
    _Form = forms.ModelForm


class NotificationForm(_Form):
    class Meta:
        model = NotificationPreferences
        fields = (
            "late_by_email",
            "late_by_slack",
            "warning_by_email",
            "warning_by_slack",
            "quiet",
            "quiet_from",
            "quiet_to",
            "has_digest",
            "messages_a_day",
        )
        widgets: ClassVar = {
            "quiet": forms.RadioSelect,
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_to": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "messages_a_day": forms.NumberInput(attrs={"min": 1, "max": 500}),
        }
        help_texts: ClassVar = {
            "has_digest": "What came in quiet hours and what went over your number, in one message.",
            "messages_a_day": "E-mails and Slack messages together. What comes on top waits for the next summary.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("quiet_from", "quiet_to"):
            # Only who chose times of their own must say them.
            self.fields[name].required = False

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        begins, ends = data.get("quiet_from"), data.get("quiet_to")
        if data.get("quiet") == NotificationPreferences.Quiet.OWN:
            for name, value in (("quiet_from", begins), ("quiet_to", ends)):
                if value is None and name not in self.errors:
                    self.add_error(name, "Say when.")
            if begins is not None and begins == ends:
                self.add_error(
                    "quiet_to", "From and until are the same: choose “Never” if you want no quiet hours."
                )
        else:
            data["quiet_from"] = begins or self.instance.quiet_from
            data["quiet_to"] = ends or self.instance.quiet_to
        return data
