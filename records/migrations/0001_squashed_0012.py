import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import teams.creating
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

    replaces = [('records', '0001_initial'), ('records', '0002_search_indexes'), ('records', '0003_owner_inactive_since'), ('records', '0004_schema_fields'), ('records', '0005_product_ids'), ('records', '0006_account_indexes'), ('records', '0007_asked_changes'), ('records', '0008_matching'), ('records', '0010_connecting'), ('records', '0011_desired_dropped'), ('records', '0012_fewer_indexes')]

    initial = True

    dependencies = [
        ('pghistory', '0007_auto_20250421_0444'),
        ('teams', '0001_squashed_0005'),
    ]

    operations = [
        django.contrib.postgres.operations.TrigramExtension(
        ),
        teams.creating.CreateModels(
            models=[
                migrations.CreateModel(
                    name='FreeDomain',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('domain', models.CharField(max_length=253, unique=True)),
                        ('is_free', models.BooleanField(default=True)),
                        ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ],
                    options={
                        'ordering': ['domain'],
                    },
                ),
                migrations.CreateModel(
                    name='Connection',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.SlugField(max_length=60, unique=True)),
                        ('label', models.CharField(max_length=100)),
                        ('kind', models.CharField(choices=[('salesforce', 'Salesforce'), ('hubspot', 'Hubspot'), ('csv', 'Csv'), ('gtmops', 'Gtmops')], max_length=20)),
                        ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('broken', 'Broken')], default='active', max_length=10)),
                        ('state_reason', models.TextField(blank=True)),
                        ('is_sandbox', models.BooleanField(default=False)),
                        ('source_order', models.PositiveSmallIntegerField(default=10, help_text='Breaks ties between events of the same instant.')),
                        ('base_url', models.URLField(blank=True, help_text="Where the API answers; a stand-in's address in the demo.", max_length=300)),
                        ('record_url', models.CharField(blank=True, help_text='Link to a record for people, with {object} and {id}.', max_length=300)),
                        ('go_live_at', models.DateTimeField(blank=True, help_text='What happened before is measured, never alerted or written. Empty: nothing is live.', null=True)),
                        ('is_writing', models.BooleanField(default=False, help_text='Off: reading only.')),
                        ('writing_paused_at', models.DateTimeField(blank=True, null=True)),
                        ('is_writing_stage', models.BooleanField(default=False, help_text="The CRM's own stage may be moved from gtmops.")),
                        ('is_writing_fields', models.BooleanField(default=False, help_text="The CRM's own fields may be filled in from gtmops.")),
                        ('is_writing_owner', models.BooleanField(default=False, help_text='Records may be given to another owner from gtmops.')),
                        ('account_id', models.CharField(blank=True, help_text="The organisation or portal it was first connected to; it is never another one's.", max_length=80)),
                        ('account_name', models.CharField(blank=True, max_length=200)),
                        ('setup', models.JSONField(blank=True, help_text='What was chosen so far while it is being connected; empty: it is set up.', null=True)),
                        ('disconnected_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['name'],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "records_connectionhistory" ("account_id", "account_name", "base_url", "disconnected_at", "go_live_at", "id", "is_sandbox", "is_writing", "is_writing_fields", "is_writing_owner", "is_writing_stage", "kind", "label", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "record_url", "setup", "source_order", "state", "state_reason", "writing_paused_at") VALUES (NEW."account_id", NEW."account_name", NEW."base_url", NEW."disconnected_at", NEW."go_live_at", NEW."id", NEW."is_sandbox", NEW."is_writing", NEW."is_writing_fields", NEW."is_writing_owner", NEW."is_writing_stage", NEW."kind", NEW."label", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."record_url", NEW."setup", NEW."source_order", NEW."state", NEW."state_reason", NEW."writing_paused_at"); RETURN NULL;', hash='a8b7922c3a04650ba9830414f728b264fff5c937', operation='INSERT', pgid='pgtrigger_insert_insert_084bb', table='records_connection', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "records_connectionhistory" ("account_id", "account_name", "base_url", "disconnected_at", "go_live_at", "id", "is_sandbox", "is_writing", "is_writing_fields", "is_writing_owner", "is_writing_stage", "kind", "label", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "record_url", "setup", "source_order", "state", "state_reason", "writing_paused_at") VALUES (NEW."account_id", NEW."account_name", NEW."base_url", NEW."disconnected_at", NEW."go_live_at", NEW."id", NEW."is_sandbox", NEW."is_writing", NEW."is_writing_fields", NEW."is_writing_owner", NEW."is_writing_stage", NEW."kind", NEW."label", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."record_url", NEW."setup", NEW."source_order", NEW."state", NEW."state_reason", NEW."writing_paused_at"); RETURN NULL;', hash='4da51017cf4c4f216c47238c01734e2c3f73bde6', operation='UPDATE', pgid='pgtrigger_update_update_8ecc0', table='records_connection', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "records_connectionhistory" ("account_id", "account_name", "base_url", "disconnected_at", "go_live_at", "id", "is_sandbox", "is_writing", "is_writing_fields", "is_writing_owner", "is_writing_stage", "kind", "label", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "record_url", "setup", "source_order", "state", "state_reason", "writing_paused_at") VALUES (OLD."account_id", OLD."account_name", OLD."base_url", OLD."disconnected_at", OLD."go_live_at", OLD."id", OLD."is_sandbox", OLD."is_writing", OLD."is_writing_fields", OLD."is_writing_owner", OLD."is_writing_stage", OLD."kind", OLD."label", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."record_url", OLD."setup", OLD."source_order", OLD."state", OLD."state_reason", OLD."writing_paused_at"); RETURN NULL;', hash='1537def354ef025c461a5e5832062066b16d8635', operation='DELETE', pgid='pgtrigger_delete_delete_14747', table='records_connection', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='OwnerMatch',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='owner_matches', to='records.connection')),
                        ('remote_id', models.CharField(max_length=80)),
                        ('kind', models.CharField(choices=[('person', 'Person'), ('queue', 'Queue')], default='person', max_length=10)),
                        ('name', models.CharField(max_length=200)),
                        ('email', models.EmailField(blank=True, max_length=254)),
                        ('is_active', models.BooleanField(default=True)),
                        ('inactive_since', models.DateTimeField(blank=True, help_text='When we saw it switched off; empty: it was so when we first saw it.', null=True)),
                        ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owner_matches', to=settings.AUTH_USER_MODEL)),
                        ('role', models.CharField(blank=True, max_length=200)),
                        ('manager_remote_id', models.CharField(blank=True, max_length=80)),
                        ('teams', models.JSONField(blank=True, default=list, help_text="Names of the CRM's own teams.")),
                        ('members', models.JSONField(blank=True, help_text='Of a queue; null: the CRM does not tell.', null=True)),
                        ('settled', models.JSONField(blank=True, default=dict, help_text='What was proposed here and decided last.')),
                    ],
                    options={
                        'verbose_name_plural': 'owner matches',
                        'ordering': ['connection', 'remote_id'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'remote_id'), name='owner_match_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ConnectionHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='records.connection')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('name', models.SlugField(db_index=False, max_length=60)),
                        ('label', models.CharField(max_length=100)),
                        ('kind', models.CharField(choices=[('salesforce', 'Salesforce'), ('hubspot', 'Hubspot'), ('csv', 'Csv'), ('gtmops', 'Gtmops')], max_length=20)),
                        ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('broken', 'Broken')], default='active', max_length=10)),
                        ('state_reason', models.TextField(blank=True)),
                        ('is_sandbox', models.BooleanField(default=False)),
                        ('source_order', models.PositiveSmallIntegerField(default=10, help_text='Breaks ties between events of the same instant.')),
                        ('base_url', models.URLField(blank=True, help_text="Where the API answers; a stand-in's address in the demo.", max_length=300)),
                        ('record_url', models.CharField(blank=True, help_text='Link to a record for people, with {object} and {id}.', max_length=300)),
                        ('go_live_at', models.DateTimeField(blank=True, help_text='What happened before is measured, never alerted or written. Empty: nothing is live.', null=True)),
                        ('is_writing', models.BooleanField(default=False, help_text='Off: reading only.')),
                        ('writing_paused_at', models.DateTimeField(blank=True, null=True)),
                        ('is_writing_stage', models.BooleanField(default=False, help_text="The CRM's own stage may be moved from gtmops.")),
                        ('is_writing_fields', models.BooleanField(default=False, help_text="The CRM's own fields may be filled in from gtmops.")),
                        ('is_writing_owner', models.BooleanField(default=False, help_text='Records may be given to another owner from gtmops.')),
                        ('account_id', models.CharField(blank=True, help_text="The organisation or portal it was first connected to; it is never another one's.", max_length=80)),
                        ('account_name', models.CharField(blank=True, max_length=200)),
                        ('setup', models.JSONField(blank=True, help_text='What was chosen so far while it is being connected; empty: it is set up.', null=True)),
                        ('disconnected_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='CatalogueField',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('object', models.CharField(max_length=40)),
                        ('name', models.SlugField(max_length=60)),
                        ('label', models.CharField(max_length=120)),
                        ('type', models.CharField(choices=[('text', 'Text'), ('number', 'Number'), ('money', 'Money'), ('boolean', 'Boolean'), ('date', 'Date'), ('datetime', 'Datetime'), ('picklist', 'Picklist'), ('multi_picklist', 'Multi Picklist'), ('reference', 'Reference')], max_length=20)),
                        ('options', models.JSONField(blank=True, default=list)),
                        ('is_personal', models.BooleanField(default=False, help_text='Blanked by erasure.')),
                    ],
                    options={
                        'ordering': ['object', 'name'],
                        'constraints': [models.UniqueConstraint(fields=('object', 'name'), name='catalogue_field_once')],
                    },
                ),
                migrations.CreateModel(
                    name='FieldMapping',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mappings', to='records.connection')),
                        ('field', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mappings', to='records.cataloguefield')),
                        ('remote_object', models.CharField(max_length=80)),
                        ('remote_name', models.CharField(max_length=120)),
                        ('has_history', models.BooleanField(default=False, help_text="The CRM keeps this field's history and we read it.")),
                        ('is_broken', models.BooleanField(default=False, help_text='Gone or unreadable in the CRM: its values are unknown.')),
                        ('links_to', models.CharField(blank=True, help_text='The value is an id there, e.g. hubspot:contacts; comma-separated when it may be one of several.', max_length=200)),
                        ('value_map', models.JSONField(blank=True, default=dict, help_text='Remote value to logical value, where they differ.')),
                    ],
                    options={
                        'ordering': ['connection', 'remote_object', 'field'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'remote_object', 'field'), name='mapping_once')],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "records_fieldmappinghistory" ("connection_id", "field_id", "has_history", "id", "is_broken", "links_to", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "remote_name", "remote_object", "value_map") VALUES (NEW."connection_id", NEW."field_id", NEW."has_history", NEW."id", NEW."is_broken", NEW."links_to", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."remote_name", NEW."remote_object", NEW."value_map"); RETURN NULL;', hash='00fa4d688f0e731e37d3bd2475ec2c949109066d', operation='INSERT', pgid='pgtrigger_insert_insert_392dd', table='records_fieldmapping', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "records_fieldmappinghistory" ("connection_id", "field_id", "has_history", "id", "is_broken", "links_to", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "remote_name", "remote_object", "value_map") VALUES (NEW."connection_id", NEW."field_id", NEW."has_history", NEW."id", NEW."is_broken", NEW."links_to", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."remote_name", NEW."remote_object", NEW."value_map"); RETURN NULL;', hash='d1313b43e3e787b6e56bb1e91f1cc52813ee3528', operation='UPDATE', pgid='pgtrigger_update_update_9996e', table='records_fieldmapping', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "records_fieldmappinghistory" ("connection_id", "field_id", "has_history", "id", "is_broken", "links_to", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "remote_name", "remote_object", "value_map") VALUES (OLD."connection_id", OLD."field_id", OLD."has_history", OLD."id", OLD."is_broken", OLD."links_to", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."remote_name", OLD."remote_object", OLD."value_map"); RETURN NULL;', hash='fa7985c73687074ba8fa3c254178a6fec7e55769', operation='DELETE', pgid='pgtrigger_delete_delete_966d0', table='records_fieldmapping', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='FieldMappingHistory',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='history', to='records.fieldmapping')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('connection', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='records.connection')),
                        ('field', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='records.cataloguefield')),
                        ('remote_object', models.CharField(max_length=80)),
                        ('remote_name', models.CharField(max_length=120)),
                        ('has_history', models.BooleanField(default=False, help_text="The CRM keeps this field's history and we read it.")),
                        ('is_broken', models.BooleanField(default=False, help_text='Gone or unreadable in the CRM: its values are unknown.')),
                        ('links_to', models.CharField(blank=True, help_text='The value is an id there, e.g. hubspot:contacts; comma-separated when it may be one of several.', max_length=200)),
                        ('value_map', models.JSONField(blank=True, default=dict, help_text='Remote value to logical value, where they differ.')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='SchemaField',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='schema', to='records.connection')),
                        ('remote_object', models.CharField(max_length=80)),
                        ('name', models.CharField(max_length=120)),
                        ('label', models.CharField(blank=True, max_length=255)),
                        ('type', models.CharField(help_text="The CRM's own word.", max_length=60)),
                        ('options', models.JSONField(blank=True, default=list, help_text="[[value, label]] in the CRM's order.")),
                        ('before', models.JSONField(blank=True, help_text='{label, type, options} before the last change; empty: never changed.', null=True)),
                        ('changed_at', models.DateTimeField(blank=True, null=True)),
                        ('gone_at', models.DateTimeField(blank=True, help_text='When it was no longer to be seen.', null=True)),
                    ],
                    options={
                        'ordering': ['connection', 'remote_object', 'name'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'remote_object', 'name'), name='schema_field_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Journey',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('key', models.CharField(help_text='Smallest natural key of the members.', max_length=300, unique=True)),
                        ('title', models.CharField(blank=True, max_length=300)),
                        ('business_unit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='teams.businessunit')),
                    ],
                    options={
                        'ordering': ['key'],
                    },
                ),
                migrations.CreateModel(
                    name='Record',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='records', to='records.connection')),
                        ('object', models.CharField(max_length=40)),
                        ('remote_object', models.CharField(max_length=80)),
                        ('remote_id', models.CharField(max_length=80)),
                        ('title', models.CharField(blank=True, max_length=300)),
                        ('values', models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                        ('journey', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='records', to='records.journey')),
                        ('business_unit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='teams.businessunit')),
                        ('owner', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owned_records', to=settings.AUTH_USER_MODEL)),
                        ('created_at_remote', models.DateTimeField(blank=True, null=True)),
                        ('modified_at_remote', models.DateTimeField(blank=True, null=True)),
                        ('fingerprint', models.CharField(blank=True, max_length=32)),
                        ('seen_at', models.DateTimeField(default=django.utils.timezone.now, help_text='First time we saw it.')),
                        ('deleted_at', models.DateTimeField(blank=True, null=True)),
                        ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='merged', to='records.record')),
                    ],
                    options={
                        'ordering': ['id'],
                        'indexes': [models.Index(fields=['journey'], name='record_journey'), models.Index(models.F('object'), models.OrderBy(django.db.models.functions.comparison.Coalesce('modified_at_remote', 'seen_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('object__in', ['person', 'deal', 'account'])), name='record_recent'), models.Index(condition=models.Q(('object__in', ['person', 'deal', 'account'])), fields=['object', 'title', 'id'], name='record_title'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('title'), name='gin_trgm_ops'), condition=models.Q(('object__in', ['person', 'deal', 'account'])), name='record_search'), models.Index(models.F('object'), django.db.models.fields.json.KeyTextTransform('lead_source', 'values'), condition=models.Q(('object__in', ['person', 'deal', 'account'])), name='record_source'), models.Index(fields=['owner', 'object'], name='record_owner'), models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Reverse(django.db.models.functions.text.Lower(models.Func(django.db.models.fields.json.KeyTextTransform('email', 'values'), models.Value('@'), models.Value(2), function='SPLIT_PART', output_field=models.TextField()))), name='text_pattern_ops'), condition=models.Q(('object', 'person')), name='record_mail_domain'), models.Index(models.F('connection'), django.db.models.fields.json.KeyTextTransform('account', 'values'), condition=models.Q(('object__in', ['person', 'deal', 'account'])), name='record_account'), models.Index(models.F('connection'), django.db.models.fields.json.KeyTextTransform('converted_account', 'values'), condition=models.Q(('object__in', ['person', 'deal', 'account'])), name='record_converted_account'), models.Index(condition=models.Q(('object', 'account')), fields=['connection', 'remote_id'], name='record_account_id'), models.Index(django.db.models.fields.json.KeyTextTransform('product_user_id', 'values'), condition=models.Q(('object', 'person'), ('values__has_key', 'product_user_id')), name='record_product_user'), models.Index(django.db.models.fields.json.KeyTextTransform('product_account_id', 'values'), condition=models.Q(('object', 'account'), ('values__has_key', 'product_account_id')), name='record_product_account')],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'remote_object', 'remote_id'), name='record_once')],
                    },
                ),
                migrations.CreateModel(
                    name='AccountDomain',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='domains', to='records.record')),
                        ('domain', models.CharField(max_length=253)),
                        ('root', models.CharField(max_length=253)),
                    ],
                    options={
                        'ordering': ['record', 'domain'],
                        'indexes': [models.Index(fields=['domain'], name='account_domain_domain'), models.Index(fields=['root'], name='account_domain_root')],
                        'constraints': [models.UniqueConstraint(fields=('record', 'domain'), name='account_domain_once')],
                    },
                ),
                migrations.CreateModel(
                    name='AccountMatch',
                    fields=[
                        ('record', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='account_match', serialize=False, to='records.record')),
                        ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='matched_people', to='records.record')),
                        ('how', models.CharField(choices=[('exact', 'Same domain'), ('root', 'Same company domain'), ('manual', 'Joined by hand')], max_length=8)),
                        ('domain', models.CharField(blank=True, max_length=253)),
                        ('candidates', models.PositiveIntegerField(default=1)),
                    ],
                    options={
                        'ordering': ['record'],
                        'indexes': [models.Index(fields=['account'], name='account_match_account'), models.Index(condition=models.Q(('account', None)), fields=['domain'], name='account_match_open')],
                    },
                ),
                migrations.CreateModel(
                    name='ManualLink',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('kind', models.CharField(choices=[('buyer', 'Buyer'), ('account', 'Account')], max_length=8)),
                        ('is_joined', models.BooleanField()),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='manual_links', to='records.record')),
                        ('other', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='manual_links_to_it', to='records.record')),
                        ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('why', models.CharField(blank=True, max_length=300)),
                        ('at', models.DateTimeField()),
                        ('undone_at', models.DateTimeField(blank=True, null=True)),
                        ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-at', 'id'],
                        'indexes': [models.Index(condition=models.Q(('undone_at', None)), fields=['record'], name='manual_link_record'), models.Index(condition=models.Q(('undone_at', None)), fields=['other'], name='manual_link_other')],
                    },
                ),
                migrations.CreateModel(
                    name='RecordPayload',
                    fields=[
                        ('record', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='payload', serialize=False, to='records.record')),
                        ('body', models.JSONField(default=dict)),
                    ],
                ),
                migrations.CreateModel(
                    name='LinkKey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('record', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='link_keys', to='records.record')),
                        ('key', models.CharField(max_length=300)),
                    ],
                    options={
                        'ordering': ['record', 'key'],
                        'indexes': [models.Index(fields=['key'], name='link_key_key', opclasses=['text_pattern_ops'])],
                        'constraints': [models.UniqueConstraint(fields=('record', 'key'), name='link_key_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Event',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='records.connection')),
                        ('external_key', models.CharField(max_length=300)),
                        ('kind', models.CharField(max_length=60)),
                        ('record', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='records.record')),
                        ('field', models.CharField(blank=True, max_length=60)),
                        ('old', models.JSONField(blank=True, null=True)),
                        ('new', models.JSONField(blank=True, null=True)),
                        ('data', models.JSONField(blank=True, default=dict)),
                        ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                        ('occurred_at', models.DateTimeField()),
                        ('observed_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('not_before', models.DateTimeField(blank=True, help_text="Polling can't know better: it happened between this and occurred_at.", null=True)),
                        ('superseded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='records.event')),
                        ('caused_by', models.CharField(blank=True, help_text='The run of ours whose write this echoes.', max_length=80)),
                    ],
                    options={
                        'ordering': ['occurred_at', 'connection__source_order', 'external_key'],
                        'indexes': [models.Index(fields=['record', 'occurred_at'], name='event_record'), models.Index(fields=['kind', 'occurred_at'], name='event_kind')],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'external_key'), name='event_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Touched',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='records.record')),
                        ('touched_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('last_error', models.TextField(blank=True)),
                    ],
                    options={
                        'verbose_name_plural': 'touched',
                        'ordering': ['id'],
                    },
                ),
                migrations.CreateModel(
                    name='RefreshRequest',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.CharField(max_length=200, unique=True)),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refresh_requests', to='records.record')),
                        ('objects_wanted', models.JSONField(default=list, help_text='Logical objects to read beside it, e.g. ["activity"].')),
                        ('requested_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('served_at', models.DateTimeField(blank=True, null=True)),
                        ('outcome', models.CharField(blank=True, choices=[('read', 'Read'), ('unreadable', 'Unreadable')], max_length=12)),
                        ('last_error', models.TextField(blank=True)),
                    ],
                    options={
                        'ordering': ['id'],
                        'indexes': [models.Index(condition=models.Q(('served_at', None)), fields=['next_try_at'], name='refresh_due')],
                    },
                ),
                migrations.CreateModel(
                    name='DesiredField',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('record', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='desired_fields', to='records.record')),
                        ('field', models.CharField(max_length=60)),
                        ('writer', models.CharField(help_text='The one declaration that decides this field.', max_length=40)),
                        ('desired', models.JSONField(blank=True, null=True)),
                        ('known', models.JSONField(blank=True, null=True)),
                        ('is_known', models.BooleanField(default=False, help_text="False until the CRM's value has been read once.")),
                        ('before_write', models.JSONField(blank=True, help_text='What it said before our last write; for undo.', null=True)),
                        ('state', models.CharField(choices=[('in_sync', 'In Sync'), ('different', 'Different'), ('sent', 'Sent'), ('refused', 'Refused'), ('dropped', 'Dropped')], default='different', max_length=10)),
                        ('hold', models.BooleanField(default=False)),
                        ('hold_reason', models.CharField(blank=True, max_length=200)),
                        ('changed_by_others', models.PositiveSmallIntegerField(default=0)),
                        ('changed_by_others_at', models.DateTimeField(blank=True, null=True)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('desired_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('sent_at', models.DateTimeField(blank=True, null=True)),
                        ('sent_by', models.CharField(blank=True, help_text='The run that wrote it last.', max_length=80)),
                        ('last_error', models.TextField(blank=True)),
                    ],
                    options={
                        'ordering': ['record', 'field'],
                        'indexes': [models.Index(condition=models.Q(('hold', False), ('state', 'different')), fields=['next_try_at'], name='desired_due'), models.Index(condition=models.Q(('hold', True), ('state', 'different')), fields=['next_try_at'], name='desired_undoing'), models.Index(condition=models.Q(('state', 'sent')), fields=['sent_at'], name='desired_sent'), models.Index(condition=models.Q(('state', 'refused')), fields=['record'], name='desired_refused')],
                        'constraints': [models.UniqueConstraint(fields=('record', 'field'), name='desired_field_once')],
                    },
                ),
                migrations.CreateModel(
                    name='AskedChange',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('key', models.CharField(max_length=250, unique=True)),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asked_changes', to='records.record')),
                        ('values', models.JSONField(help_text='Logical field to the value asked for.')),
                        ('expected', models.JSONField(help_text='What the CRM showed when it was asked; absent: unknown.')),
                        ('before', models.JSONField(blank=True, help_text='What it showed just before we wrote.', null=True)),
                        ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='asked_changes', to=settings.AUTH_USER_MODEL)),
                        ('why', models.CharField(blank=True, max_length=300)),
                        ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('refused', 'Refused')], default='waiting', max_length=8)),
                        ('text', models.TextField(blank=True, help_text='Why it is refused, or what it waits for.')),
                        ('faults', models.JSONField(blank=True, default=list, help_text='Logical fields that the CRM named when it refused.')),
                        ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('sent_at', models.DateTimeField(blank=True, help_text='Set before it is sent.', null=True)),
                        ('sent_by', models.CharField(blank=True, help_text='The run that sent it.', max_length=80)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('echoes', models.JSONField(blank=True, default=dict, help_text='Logical field to polled or history: how its change came back.')),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['asked_at', 'id'],
                        'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['next_try_at'], name='asked_due'), models.Index(fields=['record', 'asked_at'], name='asked_record')],
                    },
                ),
            ],
        ),
        migrations.RunSQL(COMPRESS, migrations.RunSQL.noop),
    ]
