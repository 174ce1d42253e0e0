import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.db.models.fields.json
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

LISTED = models.Q(("object__in", ["person", "deal", "account"]))


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0001_initial"),
        ("teams", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        django.contrib.postgres.operations.TrigramExtension(),
        migrations.RemoveIndex(model_name="linkkey", name="link_key_key"),
        migrations.RemoveIndex(model_name="record", name="record_recent"),
        migrations.AddIndex(
            model_name="linkkey",
            index=models.Index(fields=["key"], name="link_key_key", opclasses=["text_pattern_ops"]),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                models.F("object"),
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce("modified_at_remote", "seen_at"),
                    descending=True,
                ),
                models.OrderBy(models.F("id"), descending=True),
                condition=LISTED,
                name="record_recent",
            ),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(condition=LISTED, fields=["object", "title", "id"], name="record_title"),
        ),
        migrations.AddIndex(
            model_name="record",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("title"), name="gin_trgm_ops"
                ),
                condition=LISTED,
                name="record_search",
            ),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                models.F("object"),
                django.db.models.fields.json.KeyTextTransform("lead_source", "values"),
                condition=LISTED,
                name="record_source",
            ),
        ),
    ]
