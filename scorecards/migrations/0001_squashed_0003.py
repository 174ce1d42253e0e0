import django.db.models.deletion
import teams.creating
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('scorecards', '0001_initial'), ('scorecards', '0002_fact_slice'), ('scorecards', '0003_boards')]

    initial = True

    dependencies = [
        ('records', '0001_squashed_0012'),
        ('teams', '0001_squashed_0005'),
    ]

    operations = [
        teams.creating.CreateModels(
            models=[
                migrations.CreateModel(
                    name='MetricFact',
                    fields=[
                        ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ('metric', models.SlugField(max_length=80)),
                        ('metric_version', models.PositiveSmallIntegerField(default=1)),
                        ('journey', models.ForeignKey(help_text='Empty between the join of two journeys and the next conclusion of its record.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='metric_facts', to='records.journey')),
                        ('record', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='metric_facts', to='records.record')),
                        ('business_unit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to='teams.businessunit')),
                        ('anchor_at', models.DateTimeField()),
                        ('day', models.DateField(help_text="anchor_at's date in UTC; roll-ups are by it.")),
                        ('value', models.DecimalField(decimal_places=4, max_digits=20)),
                        ('slice', models.CharField(blank=True, help_text='Value of the dimension that roll-ups keep apart.', max_length=200)),
                        ('dimensions', models.JSONField(default=dict, help_text='e.g. source, team, owner, rule, handoff.')),
                        ('seconds', models.BigIntegerField(blank=True, help_text='How long what the metric times took; empty while it has not happened.', null=True)),
                        ('is_excused', models.BooleanField(default=False, help_text='An exception was granted: left out of the adjusted number.')),
                    ],
                    options={
                        'ordering': ['anchor_at', 'id'],
                        'indexes': [models.Index(fields=['metric', 'anchor_at', 'id'], name='fact_metric_anchor')],
                    },
                ),
                migrations.CreateModel(
                    name='DailyRollup',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('metric', models.SlugField(max_length=80)),
                        ('day', models.DateField()),
                        ('business_unit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='teams.businessunit')),
                        ('slice', models.CharField(blank=True, help_text="Value of the metric's roll-up dimension, e.g. the rule's key.", max_length=200)),
                        ('count', models.PositiveIntegerField()),
                        ('total', models.DecimalField(decimal_places=4, max_digits=24)),
                    ],
                    options={
                        'ordering': ['metric', 'day'],
                        'constraints': [models.UniqueConstraint(fields=('metric', 'day', 'business_unit', 'slice'), name='rollup_once', nulls_distinct=False)],
                    },
                ),
                migrations.CreateModel(
                    name='DimensionRollup',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('metric', models.SlugField(max_length=80)),
                        ('slice', models.CharField(blank=True, max_length=200)),
                        ('dimension', models.CharField(blank=True, max_length=40)),
                        ('day', models.DateField()),
                        ('label', models.CharField(blank=True, help_text="The dimension's value; '' where it has none.", max_length=200)),
                        ('business_unit', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to='teams.businessunit')),
                        ('count', models.PositiveIntegerField()),
                        ('total', models.DecimalField(decimal_places=4, max_digits=24)),
                        ('excused', models.PositiveIntegerField()),
                    ],
                    options={
                        'ordering': ['metric', 'dimension', 'day'],
                        'constraints': [models.UniqueConstraint(fields=('metric', 'dimension', 'slice', 'day', 'label', 'business_unit'), name='dimension_rollup_once', nulls_distinct=False)],
                    },
                ),
                migrations.CreateModel(
                    name='SavedView',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('page', models.SlugField(max_length=40)),
                        ('name', models.CharField(max_length=60)),
                        ('query', models.CharField(blank=True, max_length=1000)),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
                        ('team', models.ForeignKey(blank=True, help_text='Whose members see it too; empty: only its owner.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to='teams.team')),
                        ('saved_at', models.DateTimeField()),
                    ],
                    options={
                        'ordering': ['name', 'pk'],
                        'constraints': [models.UniqueConstraint(fields=('owner', 'page', 'name'), name='saved_view_once')],
                    },
                ),
                migrations.CreateModel(
                    name='DefaultView',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='default_views', to=settings.AUTH_USER_MODEL)),
                        ('page', models.SlugField(max_length=40)),
                        ('view', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='default_of', to='scorecards.savedview')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('person', 'page'), name='default_view_once')],
                    },
                ),
            ],
        ),
    ]
