from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("effects", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="effect",
            index=models.Index(
                condition=models.Q(("state__in", ["pending", "leased"]), models.Q(("order_key", ""), _negated=True)),
                fields=["order_key", "id"],
                name="effect_order",
            ),
        ),
    ]
