from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0002_search_indexes")]

    operations = [
        migrations.AddField(
            model_name="ownermatch",
            name="inactive_since",
            field=models.DateTimeField(
                blank=True,
                help_text="When we saw it switched off; empty: it was so when we first saw it.",
                null=True,
            ),
        ),
    ]
