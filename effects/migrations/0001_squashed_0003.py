import datetime
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import teams.creating
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('effects', '0001_initial'), ('effects', '0002_effect_order'), ('effects', '0003_delivery_policy')]

    initial = True

    dependencies = [
        ('teams', '0001_squashed_0005'),
    ]

    operations = [
        teams.creating.CreateModels(
            models=[
                migrations.CreateModel(
                    name='Effect',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.CharField(max_length=300, unique=True)),
                        ('channel', models.CharField(max_length=40)),
                        ('receiver', models.CharField(blank=True, help_text='person:ID or channel:NAME. No foreign key: a deleted person must not undo who decided to tell them.', max_length=120)),
                        ('group', models.CharField(blank=True, max_length=120)),
                        ('held', models.CharField(blank=True, choices=[('hold', 'until quiet hours end'), ('digest', 'for the digest'), ('grouped', 'to come with others of its group')], help_text='Why it waits for next_try_at.', max_length=10)),
                        ('planned_at', models.DateTimeField(blank=True, help_text='When it was decided that it leaves; of what disturbs people only.', null=True)),
                        ('carried_by', models.ForeignKey(blank=True, help_text="The message that it leaves with; its end is this one's end.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='carried', to='effects.effect')),
                        ('order_key', models.CharField(blank=True, max_length=200)),
                        ('payload', models.JSONField(default=dict)),
                        ('state', models.CharField(choices=[('pending', 'Pending'), ('leased', 'Leased'), ('done', 'Done'), ('dead', 'Dead')], default='pending', max_length=10)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('next_try_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('attempts', models.PositiveIntegerField(default=0)),
                        ('lease_until', models.DateTimeField(blank=True, null=True)),
                        ('lease_token', models.UUIDField(blank=True, null=True)),
                        ('done_at', models.DateTimeField(blank=True, null=True)),
                        ('last_error', models.TextField(blank=True)),
                        ('may_be_repeated', models.BooleanField(default=False, help_text='A worker died after handing it over: the receiver may have it twice.')),
                    ],
                    options={
                        'ordering': ['id'],
                        'indexes': [models.Index(condition=models.Q(('state__in', ['pending', 'leased'])), fields=['next_try_at'], name='effect_due'), models.Index(fields=['state', 'created_at'], name='effect_state'), models.Index(condition=models.Q(('state__in', ['pending', 'leased']), models.Q(('order_key', ''), _negated=True)), fields=['order_key', 'id'], name='effect_order'), models.Index(condition=models.Q(('receiver', ''), _negated=True), fields=['receiver', 'planned_at'], name='effect_receiver')],
                    },
                ),
                migrations.CreateModel(
                    name='InboxMessage',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.CharField(max_length=300, unique=True)),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='inbox_messages', to=settings.AUTH_USER_MODEL)),
                        ('severity', models.CharField(choices=[('info', 'info'), ('warning', 'warning'), ('late', 'late')], default='info', max_length=10)),
                        ('title', models.CharField(max_length=300)),
                        ('body', models.TextField(blank=True)),
                        ('href', models.CharField(blank=True, max_length=500)),
                        ('group', models.CharField(blank=True, help_text='Shown together with others of it.', max_length=120)),
                        ('group_name', models.CharField(blank=True, max_length=200)),
                        ('record', models.UUIDField(blank=True, help_text='The record it is about.', null=True)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('read_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['-created_at', '-id'],
                        'indexes': [models.Index(fields=['person', '-created_at'], name='inbox_person')],
                    },
                ),
                migrations.CreateModel(
                    name='NotificationPreferences',
                    fields=[
                        ('person', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='notification_preferences', serialize=False, to=settings.AUTH_USER_MODEL)),
                        ('warning_by_email', models.BooleanField(default=True, verbose_name='E-mail')),
                        ('warning_by_slack', models.BooleanField(default=True, verbose_name='Slack')),
                        ('late_by_email', models.BooleanField(default=True, verbose_name='E-mail')),
                        ('late_by_slack', models.BooleanField(default=True, verbose_name='Slack')),
                        ('quiet', models.CharField(choices=[('working_hours', 'Outside my working hours'), ('own', 'Between two times of my own'), ('never', 'Never: tell me at any hour')], default='working_hours', max_length=16, verbose_name="Don't disturb me")),
                        ('quiet_from', models.TimeField(default=datetime.time(20, 0), verbose_name='Quiet from')),
                        ('quiet_to', models.TimeField(default=datetime.time(7, 0), verbose_name='Quiet until')),
                        ('has_digest', models.BooleanField(default=True, verbose_name='One summary when my day begins')),
                        ('messages_a_day', models.PositiveSmallIntegerField(default=20, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(500)], verbose_name='Messages a day at most')),
                    ],
                    options={
                        'verbose_name_plural': 'notification preferences',
                    },
                ),
                migrations.CreateModel(
                    name='TickBeat',
                    fields=[
                        ('source', models.CharField(max_length=40, primary_key=True, serialize=False)),
                        ('ran_at', models.DateTimeField()),
                        ('done_count', models.PositiveBigIntegerField(default=0)),
                        ('last_error', models.TextField(blank=True)),
                        ('last_error_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['source'],
                    },
                ),
            ],
        ),
    ]
