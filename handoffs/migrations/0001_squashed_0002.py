import django.db.models.deletion
import teams.creating
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('handoffs', '0001_initial'), ('handoffs', '0002_initial')]

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
                    name='Handoff',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('template_key', models.SlugField(max_length=80)),
                        ('template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='definitions.version')),
                        ('journey', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='handoffs', to='records.journey')),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='handoffs', to='records.record')),
                        ('opened_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='records.event')),
                        ('opened_at', models.DateTimeField()),
                        ('state', models.CharField(choices=[('open', 'Open'), ('sent', 'Sent'), ('seen', 'Seen'), ('asked', 'Asked'), ('accepted', 'Accepted'), ('sent_back', 'Sent Back'), ('completed', 'Completed'), ('cancelled', 'Cancelled')], default='open', max_length=10)),
                        ('whose_move', models.CharField(choices=[('sender', 'Sender'), ('receiver', 'Receiver'), ('customer', 'Customer'), ('nobody', 'Nobody')], default='sender', max_length=10)),
                        ('sender', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sent_handoffs', to=settings.AUTH_USER_MODEL)),
                        ('receiver', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='received_handoffs', to=settings.AUTH_USER_MODEL)),
                        ('form', models.JSONField(default=dict, help_text='field key -> value as last filled in.')),
                        ('sent_at', models.DateTimeField(blank=True, null=True)),
                        ('seen_at', models.DateTimeField(blank=True, null=True)),
                        ('answered_at', models.DateTimeField(blank=True, help_text='Accepted or sent back.', null=True)),
                        ('answered_in', models.CharField(blank=True, help_text='Connection the answer came from.', max_length=60)),
                        ('completed_at', models.DateTimeField(blank=True, null=True)),
                        ('reason', models.CharField(blank=True, max_length=80)),
                        ('reason_text', models.TextField(blank=True)),
                        ('next_step', models.CharField(blank=True, max_length=300)),
                        ('next_step_at', models.DateTimeField(blank=True, null=True)),
                        ('next_step_confirmed_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['-opened_at', 'id'],
                        'indexes': [models.Index(fields=['sender', 'state'], name='handoff_sender'), models.Index(fields=['receiver', 'state'], name='handoff_receiver'), models.Index(fields=['template_key', 'opened_at'], name='handoff_template'), models.Index(fields=['journey'], name='handoff_journey')],
                    },
                ),
            ],
        ),
    ]
