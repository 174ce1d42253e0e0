from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# Faster to write and to read than the older way; a PostgreSQL without it keeps that one.
COMPRESS = """
DO $$ BEGIN
    ALTER TABLE records_recordpayload ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value OR syntax_error THEN NULL;
END $$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0010_connecting'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='desiredfield',
            name='record',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='desired_fields', to='records.record'),
        ),
        migrations.AlterField(
            model_name='event',
            name='connection',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='records.connection'),
        ),
        migrations.AlterField(
            model_name='event',
            name='record',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='records.record'),
        ),
        migrations.AlterField(
            model_name='linkkey',
            name='record',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='link_keys', to='records.record'),
        ),
        migrations.AlterField(
            model_name='record',
            name='connection',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='records', to='records.connection'),
        ),
        migrations.AlterField(
            model_name='record',
            name='journey',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='records', to='records.journey'),
        ),
        migrations.AlterField(
            model_name='record',
            name='owner',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owned_records', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunSQL(COMPRESS, migrations.RunSQL.noop),
    ]
