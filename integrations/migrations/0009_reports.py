import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0008_files"),
        ("records", "0010_connecting"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(help_text="What it is called by the CRM's API.", max_length=80),
                ),
                (
                    "fingerprint",
                    models.CharField(help_text="Of the package it was last put there with.", max_length=32),
                ),
                (
                    "put_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was last put there; empty: being made.", null=True
                    ),
                ),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="report_items",
                        to="records.connection",
                    ),
                ),
            ],
            options={
                "ordering": ["connection", "name"],
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "name"), name="report_item_once")
                ],
            },
        ),
    ]
