from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0008_matching"),
    ]

    operations = [
        migrations.AlterField(
            model_name="desiredfield",
            name="state",
            field=models.CharField(
                choices=[
                    ("in_sync", "In Sync"),
                    ("different", "Different"),
                    ("sent", "Sent"),
                    ("refused", "Refused"),
                    ("dropped", "Dropped"),
                ],
                default="different",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="desiredfield",
            index=models.Index(
                condition=models.Q(("hold", True), ("state", "different")),
                fields=["next_try_at"],
                name="desired_undoing",
            ),
        ),
        migrations.AddIndex(
            model_name="desiredfield",
            index=models.Index(
                condition=models.Q(("state", "sent")), fields=["sent_at"], name="desired_sent"
            ),
        ),
        migrations.AddIndex(
            model_name="desiredfield",
            index=models.Index(
                condition=models.Q(("state", "refused")), fields=["record"], name="desired_refused"
            ),
        ),
    ]
