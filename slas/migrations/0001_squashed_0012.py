import django.db.models.deletion
import django.db.models.fields.json
import teams.creating
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('slas', '0001_initial'), ('slas', '0002_clock_indexes'), ('slas', '0003_noticed_absences'), ('slas', '0004_looks'), ('slas', '0005_steps'), ('slas', '0006_appeals'), ('slas', '0009_boards'), ('slas', '0011_start_questions'), ('slas', '0012_noticed_due')]

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
                    name='Clock',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('rule_key', models.SlugField(db_index=False, max_length=80)),
                        ('rule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='definitions.version')),
                        ('calendar', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='definitions.version')),
                        ('journey', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='clocks', to='records.journey')),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='clocks', to='records.record')),
                        ('start_event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='records.event')),
                        ('started_at', models.DateTimeField()),
                        ('due_at', models.DateTimeField(blank=True, help_text='Null while the event it must come before has no time.', null=True)),
                        ('state', models.CharField(choices=[('running', 'Running'), ('paused', 'Paused'), ('due', 'Due'), ('met', 'Met'), ('breached', 'Breached'), ('breached_not_verified', 'Breached Not Verified'), ('withdrawn', 'Withdrawn'), ('cancelled', 'Cancelled'), ('seen_late', 'Seen Late')], default='running', max_length=24)),
                        ('stopped_at', models.DateTimeField(blank=True, null=True)),
                        ('stop_event', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='records.event')),
                        ('breached_at', models.DateTimeField(blank=True, help_text='Always the due time, never the time we noticed.', null=True)),
                        ('is_measured_only', models.BooleanField(default=False, help_text='Started before go-live: never alerted.')),
                        ('has_it', models.CharField(blank=True, help_text='Whose court the ball is in: system, sender, receiver, customer.', max_length=10)),
                        ('owner', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='clocks', to=settings.AUTH_USER_MODEL)),
                        ('team', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='clocks', to='teams.team')),
                        ('segments', models.JSONField(default=list, help_text='[{party, who, person, team, from, to, seconds}]: each second from start to end has one party.')),
                        ('receipt', models.JSONField(default=dict, help_text='What the explanation page needs beyond the columns.')),
                        ('next_step_at', models.DateTimeField(blank=True, help_text='When the next step of its rule is due: a warning, or one after the breach.', null=True)),
                    ],
                    options={
                        'ordering': ['due_at', 'id'],
                        'indexes': [models.Index(condition=models.Q(('state', 'running')), fields=['due_at', 'id'], name='clock_falls_due'), models.Index(condition=models.Q(('state', 'due')), fields=['due_at'], name='clock_checking'), models.Index(condition=models.Q(('next_step_at__isnull', False)), fields=['next_step_at'], name='clock_step'), models.Index(fields=['owner', 'state'], name='clock_owner'), models.Index(fields=['journey'], name='clock_journey'), models.Index(fields=['rule_key', 'started_at'], name='clock_rule'), models.Index(fields=['team', 'state'], name='clock_team'), models.Index(condition=models.Q(('is_measured_only', False), ('stopped_at', None)), fields=['team', 'due_at', 'id'], include=('owner', 'state'), name='clock_owed'), models.Index(condition=models.Q(('owner', None), ('stopped_at', None)), fields=['due_at', 'id'], name='clock_unowned'), models.Index(django.db.models.fields.json.KeyTextTransform('look_at', 'receipt'), condition=models.Q(('receipt__has_key', 'look_at')), name='clock_look')],
                    },
                ),
                migrations.CreateModel(
                    name='Correction',
                    fields=[
                        ('key', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('clock', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='corrections', to='slas.clock')),
                        ('old', models.JSONField()),
                        ('new', models.JSONField()),
                        ('cause', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='records.event')),
                        ('corrected_at', models.DateTimeField()),
                    ],
                    options={
                        'ordering': ['corrected_at'],
                    },
                ),
                migrations.CreateModel(
                    name='TakenStep',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('clock_id', models.UUIDField()),
                        ('step', models.CharField(max_length=40)),
                        ('due_at', models.DateTimeField(help_text='The due time it was taken for: a warning holds for one.')),
                        ('taken_at', models.DateTimeField()),
                        ('people', models.JSONField(default=list, help_text='Ids of those who were told.')),
                        ('outcome', models.CharField(blank=True, choices=[('asked', 'Asked'), ('proposed', 'Proposed')], help_text='Of a step that gives it to the next person.', max_length=10)),
                        ('given_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['taken_at', 'id'],
                        'constraints': [models.UniqueConstraint(fields=('clock_id', 'step', 'due_at'), name='step_taken_once')],
                    },
                ),
                migrations.CreateModel(
                    name='StartQuestion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('bulk', 'Bulk'), ('first_load', 'First Load'), ('import', 'Import')], max_length=10)),
                        ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='start_questions', to='records.connection')),
                        ('subject', models.CharField(blank=True, max_length=170)),
                        ('begins_at', models.DateTimeField()),
                        ('ends_at', models.DateTimeField()),
                        ('asked_at', models.DateTimeField()),
                        ('told_at', models.DateTimeField(blank=True, null=True)),
                        ('answer', models.CharField(blank=True, choices=[('started', 'Started'), ('left', 'Left')], max_length=7)),
                        ('answered_at', models.DateTimeField(blank=True, null=True)),
                        ('answered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('clocks', models.PositiveIntegerField(default=0, help_text='How many the answer was about.')),
                    ],
                    options={
                        'ordering': ['-asked_at', '-id'],
                        'indexes': [models.Index(fields=['connection', 'subject', 'ends_at'], name='start_question_open')],
                    },
                ),
                migrations.CreateModel(
                    name='Appeal',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('clock', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='appeals', to='slas.clock')),
                        ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='appeals', to=settings.AUTH_USER_MODEL)),
                        ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='teams.team')),
                        ('reason', models.CharField(max_length=20)),
                        ('note', models.TextField(blank=True)),
                        ('state', models.CharField(choices=[('open', 'Open'), ('granted', 'Granted'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn')], default='open', max_length=10)),
                        ('opened_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('opened_at', models.DateTimeField()),
                        ('decided_by', models.ForeignKey(blank=True, help_text='Null where the data itself proved it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('decided_at', models.DateTimeField(blank=True, null=True)),
                        ('decided_because', models.TextField(blank=True)),
                        ('was_proved', models.BooleanField(default=False, help_text='Granted at once, because the data shows it.')),
                    ],
                    options={
                        'ordering': ['-opened_at', 'id'],
                        'indexes': [models.Index(fields=['state', 'team', '-opened_at'], name='appeal_state'), models.Index(fields=['-opened_at'], name='appeal_opened')],
                    },
                ),
                migrations.CreateModel(
                    name='NoticedDue',
                    fields=[
                        ('clock_id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                    ],
                ),
                migrations.CreateModel(
                    name='NoticedAbsence',
                    fields=[
                        ('absence', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='noticed', serialize=False, to='teams.absence')),
                        ('at', models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name='Snooze',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='snoozes', to=settings.AUTH_USER_MODEL)),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='snoozes', to='records.record')),
                        ('until', models.DateTimeField()),
                        ('snoozed_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('person', 'record'), name='snooze_once')],
                    },
                ),
            ],
        ),
    ]
