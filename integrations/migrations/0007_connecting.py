import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("integrations", "0006_writing"),
    ]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="entered_at",
            field=models.DateTimeField(blank=True, help_text="When a person last entered them.", null=True),
        ),
        migrations.AddField(
            model_name="credential",
            name="entered_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="credential",
            name="found",
            field=models.JSONField(
                blank=True, default=dict, help_text="What the last test found, without anything secret."
            ),
        ),
    ]
