import django.db.models.deletion
import django.utils.timezone
import teams.creating
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('integrations', '0001_initial'), ('integrations', '0002_pullcursor_deletions_read_at'), ('integrations', '0003_enforcement'), ('integrations', '0004_activity_switches'), ('integrations', '0005_reading'), ('integrations', '0006_writing'), ('integrations', '0007_connecting'), ('integrations', '0008_files'), ('integrations', '0009_reports')]

    initial = True

    dependencies = [
        ('definitions', '0001_squashed_0009'),
        ('records', '0001_squashed_0012'),
        ('teams', '0001_squashed_0005'),
    ]

    operations = [
        teams.creating.CreateModels(
            models=[
                migrations.CreateModel(
                    name='ReportItem',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='report_items', to='records.connection')),
                        ('name', models.CharField(help_text="What it is called by the CRM's API.", max_length=80)),
                        ('fingerprint', models.CharField(help_text='Of the package it was last put there with.', max_length=32)),
                        ('put_at', models.DateTimeField(blank=True, help_text='When it was last put there; empty: being made.', null=True)),
                    ],
                    options={
                        'ordering': ['connection', 'name'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'name'), name='report_item_once')],
                    },
                ),
                migrations.CreateModel(
                    name='WriteLimits',
                    fields=[
                        ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='write_limits', serialize=False, to='records.connection')),
                        ('records_a_day', models.PositiveIntegerField(blank=True, help_text='Empty: GTMOPS_PUSH_RECORDS_A_DAY.', null=True)),
                        ('pilot', models.CharField(choices=[('everybody', 'Everybody'), ('condition', 'Condition'), ('list', 'List')], default='everybody', max_length=10)),
                        ('pilot_object', models.CharField(blank=True, help_text='Of which kind of record it speaks.', max_length=40)),
                        ('pilot_criteria', models.JSONField(blank=True, help_text='Only records that meet it are written.', null=True)),
                        ('pilot_since', models.DateTimeField(blank=True, null=True)),
                        ('pilot_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'verbose_name_plural': 'write limits',
                    },
                ),
                migrations.CreateModel(
                    name='PilotRecord',
                    fields=[
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pilot_records', to='records.connection')),
                        ('record', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='pilot_record', serialize=False, to='records.record')),
                    ],
                ),
                migrations.CreateModel(
                    name='PushState',
                    fields=[
                        ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='push_state', serialize=False, to='records.connection')),
                        ('counted_on', models.DateField(blank=True, help_text='The UTC day that `written` counts.', null=True)),
                        ('written', models.PositiveIntegerField(default=0, help_text='Records written that day.')),
                        ('failures', models.PositiveSmallIntegerField(default=0, help_text='Batches in a row that got no answer.')),
                        ('next_try_at', models.DateTimeField(blank=True, null=True)),
                        ('last_error', models.TextField(blank=True)),
                        ('succeeded_at', models.DateTimeField(blank=True, null=True)),
                        ('paused_objects', models.JSONField(blank=True, default=dict, help_text="{remote object: {until, text}}: what can't work there just now.")),
                        ('looked_at', models.DateTimeField(blank=True, help_text='When what was sent was last compared with what came back.', null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='RecordHold',
                    fields=[
                        ('record', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='write_hold', serialize=False, to='records.record')),
                        ('reason', models.CharField(blank=True, max_length=200)),
                        ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ],
                ),
                migrations.CreateModel(
                    name='Credential',
                    fields=[
                        ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='credential', serialize=False, to='records.connection')),
                        ('method', models.CharField(help_text='client_credentials, jwt_bearer, private_app_token …', max_length=40)),
                        ('secret', models.BinaryField(help_text='Encrypted JSON.')),
                        ('verified_at', models.DateTimeField(blank=True, null=True)),
                        ('entered_at', models.DateTimeField(blank=True, help_text='When a person last entered them.', null=True)),
                        ('entered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('found', models.JSONField(blank=True, default=dict, help_text='What the last test found, without anything secret.')),
                    ],
                ),
                migrations.CreateModel(
                    name='PullCursor',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='cursors', to='records.connection')),
                        ('remote_object', models.CharField(max_length=80)),
                        ('mark_at', models.DateTimeField(blank=True, help_text='Everything before it is stored.', null=True)),
                        ('page_state', models.JSONField(blank=True, default=dict, help_text='Where an unfinished window goes on.')),
                        ('is_loaded', models.BooleanField(default=False, help_text='The first full load has ended.')),
                        ('deletions_read_at', models.DateTimeField(blank=True, help_text='When the list of deleted was last read.', null=True)),
                        ('next_pull_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('every_seconds', models.PositiveIntegerField(blank=True, help_text='How often it is read; empty: as GTMOPS_PULL_SECONDS says.', null=True)),
                        ('paused_at', models.DateTimeField(blank=True, help_text='Nothing is read until it is resumed.', null=True)),
                        ('history_asked_at', models.DateTimeField(blank=True, help_text='Its whole history is being read, in a step of its own.', null=True)),
                        ('history_state', models.JSONField(blank=True, default=dict, help_text='Where the reading of the history goes on.')),
                        ('history_fields', models.JSONField(blank=True, default=list, help_text='Fields there whose history has been read to its end.')),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                        ('last_pulled_at', models.DateTimeField(blank=True, null=True)),
                        ('failures', models.PositiveSmallIntegerField(default=0)),
                        ('last_error', models.TextField(blank=True)),
                    ],
                    options={
                        'ordering': ['connection', 'remote_object'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'remote_object'), name='cursor_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Run',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('kind', models.CharField(choices=[('pull', 'Pull'), ('push', 'Push'), ('provision', 'Provision'), ('import', 'Import'), ('recalculate', 'Recalculate'), ('enforce', 'Enforce'), ('uninstall', 'Uninstall'), ('history', 'History'), ('compare', 'Compare')], max_length=12)),
                        ('connection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='records.connection')),
                        ('label', models.CharField(blank=True, max_length=200)),
                        ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='running', max_length=8)),
                        ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('heard_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('done', models.PositiveIntegerField(default=0)),
                        ('total', models.PositiveIntegerField(blank=True, null=True)),
                        ('busy_seconds', models.FloatField(default=0, help_text='Spent at work; waiting and pauses do not count.')),
                        ('counts', models.JSONField(default=dict, help_text='read, created, changed, unchanged, written, refused …')),
                        ('steps', models.JSONField(blank=True, default=list, help_text='[{at, text}]: what was done, in order; for runs of few steps.')),
                        ('error', models.TextField(blank=True)),
                    ],
                    options={
                        'ordering': ['-started_at'],
                        'indexes': [models.Index(fields=['-started_at'], name='run_recent')],
                    },
                ),
                migrations.CreateModel(
                    name='FileImport',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('connection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='file_imports', to='records.connection')),
                        ('uploaded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('uploaded_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('state', models.CharField(choices=[('draft', 'Draft'), ('checking', 'Checking'), ('checked', 'Checked'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='draft', max_length=10)),
                        ('file_name', models.CharField(max_length=200)),
                        ('size', models.PositiveBigIntegerField(help_text='Bytes, unpacked.')),
                        ('content', models.BinaryField(blank=True, help_text='Gzipped; empty once it is cleaned away.', null=True)),
                        ('encoding', models.CharField(max_length=20)),
                        ('separator', models.CharField(max_length=1)),
                        ('columns', models.JSONField(default=list, help_text='[{name, samples, filled, distinct, kind, ways, most}]: what was found in each.')),
                        ('rows', models.PositiveIntegerField(default=0)),
                        ('choices', models.JSONField(blank=True, default=dict, help_text='What was chosen for each column.')),
                        ('mapping', models.JSONField(blank=True, default=dict, help_text='As docs/import-csv.md writes it.')),
                        ('counts', models.JSONField(blank=True, default=dict, help_text='new, changed, unchanged, refused, passed_over, events.')),
                        ('preview', models.JSONField(blank=True, default=list, help_text='The first records as they will be stored.')),
                        ('refused', models.BinaryField(blank=True, help_text='Gzipped CSV of the refused lines.', null=True)),
                        ('error', models.TextField(blank=True)),
                        ('run', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='file_import', to='integrations.run')),
                        ('pages_stored', models.PositiveIntegerField(default=0)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['-uploaded_at'],
                        'indexes': [models.Index(condition=models.Q(('state__in', ['checking', 'running'])), fields=['uploaded_at'], name='file_import_at_work'), models.Index(condition=models.Q(('content__isnull', False)), fields=['changed_at'], name='file_import_kept')],
                    },
                ),
                migrations.CreateModel(
                    name='WriteAttempt',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='write_attempts', to='records.connection')),
                        ('run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='attempts', to='integrations.run')),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='write_attempts', to='records.record')),
                        ('at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('outcome', models.CharField(choices=[('written', 'Written'), ('stood', 'Stood'), ('refused', 'Refused'), ('retry', 'Retry'), ('gone', 'Gone'), ('kept', 'Kept')], help_text='stood: it was there already. kept: the CRM took it and kept its own.', max_length=8)),
                        ('code', models.CharField(blank=True, max_length=100)),
                        ('text', models.TextField(blank=True, help_text="The CRM's own words.")),
                        ('values', models.JSONField(default=dict, help_text='{our field: [before, sent]}')),
                    ],
                    options={
                        'ordering': ['-at', '-id'],
                        'indexes': [models.Index(fields=['connection', '-at', '-id'], name='write_attempt_recent'), models.Index(fields=['record', '-at'], name='write_attempt_record')],
                    },
                ),
                migrations.CreateModel(
                    name='Uninstall',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uninstalls', to='records.connection')),
                        ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='uninstall', to='integrations.run')),
                        ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('by_name', models.CharField(blank=True, max_length=200)),
                        ('leaves_ours', models.BooleanField(default=False, help_text='Our fields and rules stay there.')),
                        ('done', models.JSONField(default=list, help_text='Keys of the steps that ended.')),
                        ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['-pk'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('finished_at', None)), fields=('connection',), name='one_uninstall_at_a_time')],
                    },
                ),
                migrations.CreateModel(
                    name='Comparison',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comparisons', to='records.connection')),
                        ('remote_object', models.CharField(max_length=80)),
                        ('state', models.CharField(choices=[('listing', 'Listing'), ('repairing', 'Repairing'), ('done', 'Done'), ('held', 'Held')], default='listing', max_length=10)),
                        ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('settled_at', models.DateTimeField(help_text='What changed there later may not have been read yet.')),
                        ('after', models.TextField(blank=True, help_text="Where the CRM's list goes on.")),
                        ('there', models.PositiveIntegerField(default=0)),
                        ('here', models.PositiveIntegerField(default=0)),
                        ('repaired', models.PositiveIntegerField(default=0)),
                        ('told_at', models.DateTimeField(blank=True, help_text='When RevOps was told that something differed.', null=True)),
                        ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                        ('failures', models.PositiveSmallIntegerField(default=0)),
                        ('last_error', models.TextField(blank=True)),
                    ],
                    options={
                        'ordering': ['-started_at', '-id'],
                        'indexes': [models.Index(fields=['connection', 'remote_object', '-started_at'], name='comparison_last')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['listing', 'repairing'])), fields=('connection', 'remote_object'), name='comparison_one_at_a_time')],
                    },
                ),
                migrations.CreateModel(
                    name='ListedId',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('comparison', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='listed', to='integrations.comparison')),
                        ('remote_id', models.CharField(max_length=80)),
                        ('modified_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('comparison', 'remote_id'), name='listed_id_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Difference',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('comparison', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='differences', to='integrations.comparison')),
                        ('remote_id', models.CharField(max_length=80)),
                        ('kind', models.CharField(choices=[('missing_here', 'Missing Here'), ('missing_there', 'Missing There'), ('stale', 'Stale')], max_length=14)),
                        ('outcome', models.CharField(choices=[('open', 'Open'), ('repaired', 'Repaired'), ('gone', 'Gone'), ('none', 'None')], default='open', help_text='repaired: read again; gone: deleted here too; none: read again, and nothing differed.', max_length=8)),
                        ('modified_at', models.DateTimeField(blank=True, help_text='As the CRM lists it.', null=True)),
                    ],
                    options={
                        'ordering': ['id'],
                        'indexes': [models.Index(fields=['comparison', 'outcome'], name='difference_open')],
                        'constraints': [models.UniqueConstraint(fields=('comparison', 'remote_id'), name='difference_once')],
                    },
                ),
                migrations.CreateModel(
                    name='WebhookEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhook_events', to='records.connection')),
                        ('dedupe_key', models.CharField(max_length=300)),
                        ('remote_object', models.CharField(max_length=80)),
                        ('remote_id', models.CharField(max_length=80)),
                        ('body', models.JSONField()),
                        ('state', models.CharField(choices=[('pending', 'Pending'), ('done', 'Done'), ('dead', 'Dead')], default='pending', max_length=8)),
                        ('received_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('last_error', models.TextField(blank=True)),
                    ],
                    options={
                        'ordering': ['id'],
                        'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['next_try_at'], name='webhook_due')],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'dedupe_key'), name='webhook_event_once')],
                    },
                ),
                migrations.CreateModel(
                    name='WriteSwitch',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='write_switches', to='records.connection')),
                        ('remote_object', models.CharField(max_length=80)),
                        ('field', models.CharField(max_length=60)),
                        ('is_on', models.BooleanField(default=False)),
                        ('provisioned_at', models.DateTimeField(blank=True, help_text='The field exists in the CRM and is visible to us.', null=True)),
                    ],
                    options={
                        'ordering': ['connection', 'remote_object', 'field'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'remote_object', 'field'), name='write_switch_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ActivitySwitches',
                    fields=[
                        ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='activity_switches', serialize=False, to='records.connection')),
                        ('creates_tasks', models.BooleanField(default=False)),
                        ('logs_touches', models.BooleanField(default=False)),
                    ],
                    options={
                        'verbose_name_plural': 'activity switches',
                    },
                ),
                migrations.CreateModel(
                    name='StageCheck',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stage_checks', to='records.connection')),
                        ('pipeline', models.SlugField(max_length=80)),
                        ('stage', models.SlugField(max_length=80)),
                        ('remote_object', models.CharField(max_length=80)),
                        ('fingerprint', models.CharField(blank=True, help_text='Of the rule that was checked.', max_length=32)),
                        ('checked_at', models.DateTimeField()),
                        ('refused', models.PositiveIntegerField(default=0, help_text='Records in the stage that could not leave it now.')),
                        ('unknown', models.PositiveIntegerField(default=0, help_text="Records in the stage of which it can't be told.")),
                        ('similar', models.JSONField(blank=True, default=list, help_text='Rules of others with the same aim: [{name, is_active, message}].')),
                        ('problem', models.TextField(blank=True, help_text='Why the CRM would not take the rule, in its own words.')),
                    ],
                    options={
                        'ordering': ['connection', 'pipeline', 'stage'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'pipeline', 'stage', 'remote_object'), name='stage_check_once')],
                    },
                ),
                migrations.CreateModel(
                    name='EnforcementItem',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='enforcement_items', to='records.connection')),
                        ('kind', models.CharField(choices=[('permission', 'Permission'), ('permission_set', 'Permission Set'), ('access', 'Access'), ('assignment', 'Assignment'), ('rule', 'Rule')], max_length=16)),
                        ('name', models.CharField(help_text='What it is called there, e.g. Opportunity.Gtm_Exit_X.', max_length=160)),
                        ('remote_id', models.CharField(blank=True, max_length=80)),
                        ('state', models.CharField(choices=[('creating', 'Creating'), ('inactive', 'Inactive'), ('active', 'Active'), ('created', 'Created'), ('removing', 'Removing'), ('given_up', 'Given Up')], default='creating', help_text='Rules: inactive or active; the rest: created. given_up: theirs was accepted.', max_length=10)),
                        ('pipeline', models.SlugField(blank=True, max_length=80)),
                        ('stage', models.SlugField(blank=True, max_length=80)),
                        ('remote_object', models.CharField(blank=True, max_length=80)),
                        ('version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='definitions.version')),
                        ('wanted', models.JSONField(blank=True, default=dict, help_text='{formula, message, field} being deployed.')),
                        ('deployed', models.JSONField(blank=True, default=dict, help_text='{formula, message, field} as last put there.')),
                        ('fingerprint', models.CharField(blank=True, help_text='Of what was deployed.', max_length=32)),
                        ('drift', models.CharField(blank=True, choices=[('edited', 'Edited'), ('switched_off', 'Switched Off'), ('switched_on', 'Switched On'), ('deleted', 'Deleted')], max_length=12)),
                        ('found', models.JSONField(blank=True, default=dict, help_text='What stood there instead, by whom and since when.')),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('seen_at', models.DateTimeField(blank=True, help_text='When it was last read back.', null=True)),
                        ('next_look_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When to read it back again.')),
                    ],
                    options={
                        'ordering': ['connection', 'kind', 'name'],
                        'constraints': [models.UniqueConstraint(fields=('connection', 'kind', 'name'), name='enforcement_item_once')],
                    },
                ),
            ],
        ),
    ]
