from django.db import migrations, models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform


class Migration(migrations.Migration):
    dependencies = [("slas", "0009_boards")]

    operations = [
        migrations.AddIndex(
            model_name="clock",
            index=models.Index(
                KeyTextTransform("look_at", "receipt"),
                condition=Q(("receipt__has_key", "look_at")),
                name="clock_look",
            ),
        ),
    ]
