import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.operations
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
import teams.creating
import teams.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('teams', '0001_initial'), ('teams', '0002_absences_are_written_down'), ('teams', '0004_absence_feeds'), ('teams', '0005_people_from_crms')]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(
        ),
        teams.creating.CreateModels(
            models=[
                migrations.CreateModel(
                    name='BusinessUnit',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=60, unique=True)),
                        ('name', models.CharField(max_length=120)),
                    ],
                    options={
                        'ordering': ['name', 'key'],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_businessunitevent" ("id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='8fdd166f52412fb1494020c8948f88f3b7fa9925', operation='INSERT', pgid='pgtrigger_insert_insert_985eb', table='teams_businessunit', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "teams_businessunitevent" ("id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='c821256d405e0576d717fe1d819b8a89eeda0e4c', operation='UPDATE', pgid='pgtrigger_update_update_1d52b', table='teams_businessunit', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_businessunitevent" ("id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."id", OLD."key", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id"); RETURN NULL;', hash='362dba925c47488eb652da3152fe07bfbcf521b9', operation='DELETE', pgid='pgtrigger_delete_delete_2d1ff', table='teams_businessunit', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='BusinessUnitEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='teams.businessunit')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=60)),
                        ('name', models.CharField(max_length=120)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Team',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=60, unique=True)),
                        ('name', models.CharField(max_length=120)),
                        ('purpose', models.CharField(choices=[('marketing', 'Marketing'), ('sdr', 'Sales development'), ('sales', 'Sales'), ('cs', 'Customer success'), ('product', 'Product'), ('revops', 'Revenue operations'), ('other', 'Other')], default='other', max_length=20)),
                    ],
                    options={
                        'ordering': ['name', 'key'],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_teamevent" ("id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose") VALUES (NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."purpose"); RETURN NULL;', hash='a9f80d3ca460ee5225edb6953dbdcb8cb117fcfc', operation='INSERT', pgid='pgtrigger_insert_insert_59b08', table='teams_team', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "teams_teamevent" ("id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose") VALUES (NEW."id", NEW."key", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."purpose"); RETURN NULL;', hash='bf282e3387e5f9f5411d5db8bb8de54597389c0e', operation='UPDATE', pgid='pgtrigger_update_update_17c2b', table='teams_team', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_teamevent" ("id", "key", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "purpose") VALUES (OLD."id", OLD."key", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."purpose"); RETURN NULL;', hash='d8f711d22dffa702df8bcad1b786eccde26c6871', operation='DELETE', pgid='pgtrigger_delete_delete_6cc68', table='teams_team', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='TeamEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='teams.team')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('key', models.SlugField(db_index=False, max_length=60)),
                        ('name', models.CharField(max_length=120)),
                        ('purpose', models.CharField(choices=[('marketing', 'Marketing'), ('sdr', 'Sales development'), ('sales', 'Sales'), ('cs', 'Customer success'), ('product', 'Product'), ('revops', 'Revenue operations'), ('other', 'Other')], default='other', max_length=20)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Person',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('password', models.CharField(max_length=128, verbose_name='password')),
                        ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                        ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                        ('email', models.EmailField(max_length=254, unique=True, verbose_name='e-mail')),
                        ('name', models.CharField(max_length=120)),
                        ('job_title', models.CharField(blank=True, max_length=120)),
                        ('role', models.CharField(choices=[('rep', 'Rep'), ('manager', 'Manager'), ('leader', 'Leader'), ('revops_admin', 'RevOps admin'), ('system_admin', 'System admin')], default='rep', max_length=20)),
                        ('manager', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='reports', to=settings.AUTH_USER_MODEL)),
                        ('time_zone', models.CharField(default='UTC', max_length=60, validators=[teams.models.validate_time_zone])),
                        ('theme', models.CharField(choices=[('auto', 'As my device'), ('light', 'Light'), ('dark', 'Dark')], default='auto', max_length=10)),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                        ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                        ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                        ('business_units', models.ManyToManyField(blank=True, related_name='people', to='teams.businessunit')),
                    ],
                    options={
                        'verbose_name_plural': 'people',
                        'ordering': ['name', 'email'],
                        'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='person_email_unique_in_any_case', violation_error_message='Someone with this e-mail address is here already.'), models.CheckConstraint(condition=models.Q(('manager__isnull', True), models.Q(('manager', models.F('id')), _negated=True), _connector='OR'), name='person_is_not_own_manager', violation_error_message='Nobody can be their own manager.')],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_personevent" ("email", "id", "is_active", "is_superuser", "job_title", "manager_id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "theme", "time_zone") VALUES (NEW."email", NEW."id", NEW."is_active", NEW."is_superuser", NEW."job_title", NEW."manager_id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."role", NEW."theme", NEW."time_zone"); RETURN NULL;', hash='31c51e638f06e2af814dc344c34b6759d2b66f7b', operation='INSERT', pgid='pgtrigger_insert_insert_9adc2', table='teams_person', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."is_superuser" IS DISTINCT FROM (NEW."is_superuser") OR OLD."job_title" IS DISTINCT FROM (NEW."job_title") OR OLD."manager_id" IS DISTINCT FROM (NEW."manager_id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."role" IS DISTINCT FROM (NEW."role") OR OLD."theme" IS DISTINCT FROM (NEW."theme") OR OLD."time_zone" IS DISTINCT FROM (NEW."time_zone"))', func='INSERT INTO "teams_personevent" ("email", "id", "is_active", "is_superuser", "job_title", "manager_id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "theme", "time_zone") VALUES (NEW."email", NEW."id", NEW."is_active", NEW."is_superuser", NEW."job_title", NEW."manager_id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."role", NEW."theme", NEW."time_zone"); RETURN NULL;', hash='abdc4a0a0dc280133800284b00bdae70975c6f66', operation='UPDATE', pgid='pgtrigger_update_update_ab7a5', table='teams_person', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_personevent" ("email", "id", "is_active", "is_superuser", "job_title", "manager_id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "theme", "time_zone") VALUES (OLD."email", OLD."id", OLD."is_active", OLD."is_superuser", OLD."job_title", OLD."manager_id", OLD."name", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."role", OLD."theme", OLD."time_zone"); RETURN NULL;', hash='cdda6d6e913ee140526770ebd951d9d231c7601c', operation='DELETE', pgid='pgtrigger_delete_delete_37827', table='teams_person', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='PersonEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to=settings.AUTH_USER_MODEL)),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                        ('email', models.EmailField(max_length=254, verbose_name='e-mail')),
                        ('name', models.CharField(max_length=120)),
                        ('job_title', models.CharField(blank=True, max_length=120)),
                        ('role', models.CharField(choices=[('rep', 'Rep'), ('manager', 'Manager'), ('leader', 'Leader'), ('revops_admin', 'RevOps admin'), ('system_admin', 'System admin')], default='rep', max_length=20)),
                        ('manager', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('time_zone', models.CharField(default='UTC', max_length=60, validators=[teams.models.validate_time_zone])),
                        ('theme', models.CharField(choices=[('auto', 'As my device'), ('light', 'Light'), ('dark', 'Dark')], default='auto', max_length=10)),
                        ('is_active', models.BooleanField(default=True, verbose_name='active')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='UnitGrant',
                    fields=[
                    ],
                    options={
                        'proxy': True,
                    },
                    bases=('teams.person_business_units',),
                ),
                migrations.CreateModel(
                    name='UnitGrantEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('person', models.ForeignKey(db_constraint=False, db_tablespace='', on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('businessunit', models.ForeignKey(db_constraint=False, db_tablespace='', on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='teams.businessunit')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Membership',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                        ('team', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='teams.team')),
                        ('started_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['person', 'started_at'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('person',), name='membership_one_open_per_person'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gt', models.F('started_at')), _connector='OR'), name='membership_ends_after_start'), django.contrib.postgres.constraints.ExclusionConstraint(expressions=[(teams.models.TimeRange('started_at', 'ended_at', django.contrib.postgres.fields.ranges.RangeBoundary()), '&&'), ('person', '=')], name='membership_no_overlap')],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_membershipevent" ("ended_at", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "started_at", "team_id") VALUES (NEW."ended_at", NEW."id", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."started_at", NEW."team_id"); RETURN NULL;', hash='81dcb22aa3b1ac9f17b3024c2c634f30b2861c29', operation='INSERT', pgid='pgtrigger_insert_insert_d21a0', table='teams_membership', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "teams_membershipevent" ("ended_at", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "started_at", "team_id") VALUES (NEW."ended_at", NEW."id", NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."started_at", NEW."team_id"); RETURN NULL;', hash='f52c2aba6dc0636627351dac6ff0ee8aceeec71f', operation='UPDATE', pgid='pgtrigger_update_update_5dc49', table='teams_membership', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_membershipevent" ("ended_at", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "started_at", "team_id") VALUES (OLD."ended_at", OLD."id", OLD."person_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."started_at", OLD."team_id"); RETURN NULL;', hash='3ce3820441fbf34428676bad58284e180479e11c', operation='DELETE', pgid='pgtrigger_delete_delete_7555f', table='teams_membership', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='MembershipEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='teams.membership')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('person', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('team', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='teams.team')),
                        ('started_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='Absence',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='absences', to=settings.AUTH_USER_MODEL)),
                        ('starts_at', models.DateTimeField()),
                        ('ends_at', models.DateTimeField()),
                        ('cover', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='covers', to=settings.AUTH_USER_MODEL)),
                        ('entered_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When it was written down: it moves no clock that was done before.')),
                        ('withdrawn_at', models.DateTimeField(blank=True, help_text='Taken back; what it has moved until then stays.', null=True)),
                        ('entered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('source', models.CharField(blank=True, help_text='The calendar it was read from and its entry there; empty: typed in.', max_length=80)),
                    ],
                    options={
                        'ordering': ['starts_at', 'person'],
                        'indexes': [models.Index(fields=['person', 'starts_at', 'ends_at'], name='teams_absen_person__57c006_idx')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='absence_ends_after_start'), models.CheckConstraint(condition=models.Q(('cover__isnull', True), models.Q(('cover', models.F('person')), _negated=True), _connector='OR'), name='absence_cover_is_another'), models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True), models.Q(('source', ''), _negated=True)), fields=('person', 'source'), name='absence_once_per_entry')],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_absenceevent" ("cover_id", "ends_at", "entered_at", "entered_by_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "starts_at", "withdrawn_at") VALUES (NEW."cover_id", NEW."ends_at", NEW."entered_at", NEW."entered_by_id", NEW."id", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."source", NEW."starts_at", NEW."withdrawn_at"); RETURN NULL;', hash='9786595c7e1d6437d0459b540f2613445991fba5', operation='INSERT', pgid='pgtrigger_insert_insert_76e53', table='teams_absence', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "teams_absenceevent" ("cover_id", "ends_at", "entered_at", "entered_by_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "starts_at", "withdrawn_at") VALUES (NEW."cover_id", NEW."ends_at", NEW."entered_at", NEW."entered_by_id", NEW."id", NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."source", NEW."starts_at", NEW."withdrawn_at"); RETURN NULL;', hash='616ff1a94189e5f7378c06160ed3f84b3314aaf7', operation='UPDATE', pgid='pgtrigger_update_update_90a47', table='teams_absence', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_absenceevent" ("cover_id", "ends_at", "entered_at", "entered_by_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "starts_at", "withdrawn_at") VALUES (OLD."cover_id", OLD."ends_at", OLD."entered_at", OLD."entered_by_id", OLD."id", OLD."person_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."source", OLD."starts_at", OLD."withdrawn_at"); RETURN NULL;', hash='e7521bc3d033fc23c45f74ab6ea2b6263087b16b', operation='DELETE', pgid='pgtrigger_delete_delete_add03', table='teams_absence', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='AbsenceEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='teams.absence')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('person', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('starts_at', models.DateTimeField()),
                        ('ends_at', models.DateTimeField()),
                        ('cover', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('entered_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When it was written down: it moves no clock that was done before.')),
                        ('withdrawn_at', models.DateTimeField(blank=True, help_text='Taken back; what it has moved until then stays.', null=True)),
                        ('entered_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('source', models.CharField(blank=True, help_text='The calendar it was read from and its entry there; empty: typed in.', max_length=80)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='AbsenceFeed',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='absence_feeds', to=settings.AUTH_USER_MODEL)),
                        ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='absence_feeds', to='teams.team')),
                        ('address', models.BinaryField(help_text='Encrypted.')),
                        ('host', models.CharField(max_length=255)),
                        ('words', models.JSONField(default=list, help_text='One of them stands in the title or category of an absence.')),
                        ('takes_parts', models.BooleanField(default=False, help_text='Parts of a day count, too.')),
                        ('cover', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('added_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('next_read_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('read_at', models.DateTimeField(blank=True, help_text='When it was last read to the end.', null=True)),
                        ('found', models.PositiveIntegerField(default=0)),
                        ('remarks', models.JSONField(default=list, help_text='What was left out, in words.')),
                        ('problem', models.CharField(blank=True, max_length=300)),
                        ('problem_at', models.DateTimeField(blank=True, null=True)),
                        ('failures', models.PositiveIntegerField(default=0)),
                        ('removed_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'ordering': ['added_at'],
                        'indexes': [models.Index(condition=models.Q(('removed_at__isnull', True)), fields=['next_read_at'], name='absence_feed_due')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('person__isnull', True), ('team__isnull', True), _connector='XOR'), name='absence_feed_of_one')],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_absencefeedevent" ("added_at", "added_by_id", "cover_id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "removed_at", "takes_parts", "team_id", "words") VALUES (NEW."added_at", NEW."added_by_id", NEW."cover_id", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."removed_at", NEW."takes_parts", NEW."team_id", NEW."words"); RETURN NULL;', hash='1a109f43c32eed214cf3b7e65970ceb6cbe956a6', operation='INSERT', pgid='pgtrigger_insert_insert_07ac6', table='teams_absencefeed', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."cover_id" IS DISTINCT FROM (NEW."cover_id") OR OLD."person_id" IS DISTINCT FROM (NEW."person_id") OR OLD."removed_at" IS DISTINCT FROM (NEW."removed_at") OR OLD."takes_parts" IS DISTINCT FROM (NEW."takes_parts") OR OLD."team_id" IS DISTINCT FROM (NEW."team_id") OR OLD."words" IS DISTINCT FROM (NEW."words"))', func='INSERT INTO "teams_absencefeedevent" ("added_at", "added_by_id", "cover_id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "removed_at", "takes_parts", "team_id", "words") VALUES (NEW."added_at", NEW."added_by_id", NEW."cover_id", NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."removed_at", NEW."takes_parts", NEW."team_id", NEW."words"); RETURN NULL;', hash='ce26e536c9ecced045f9b2c8886c29c067bcd716', operation='UPDATE', pgid='pgtrigger_update_update_bf5c6', table='teams_absencefeed', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_absencefeedevent" ("added_at", "added_by_id", "cover_id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "removed_at", "takes_parts", "team_id", "words") VALUES (OLD."added_at", OLD."added_by_id", OLD."cover_id", OLD."person_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."removed_at", OLD."takes_parts", OLD."team_id", OLD."words"); RETURN NULL;', hash='d727474277e0c61419caf7533255693668430b72', operation='DELETE', pgid='pgtrigger_delete_delete_b78b8', table='teams_absencefeed', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='AbsenceFeedEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='person_team_words_takes_parts_cover_added_by_added_at_removed_at_events', to='teams.absencefeed')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('person', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('team', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='teams.team')),
                        ('words', models.JSONField(default=list, help_text='One of them stands in the title or category of an absence.')),
                        ('takes_parts', models.BooleanField(default=False, help_text='Parts of a day count, too.')),
                        ('cover', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('added_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('removed_at', models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='ApiToken',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
                        ('name', models.CharField(max_length=80)),
                        ('scope', models.CharField(choices=[('read', 'Read only'), ('write', 'Read and write')], default='read', max_length=10)),
                        ('secret_hash', models.CharField(editable=False, max_length=64, unique=True)),
                        ('hint', models.CharField(editable=False, max_length=12)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('expires_at', models.DateTimeField(blank=True, null=True)),
                        ('last_used_at', models.DateTimeField(editable=False, null=True)),
                        ('revoked_at', models.DateTimeField(editable=False, null=True)),
                    ],
                    options={
                        'verbose_name': 'API token',
                        'ordering': ['-created_at', '-id'],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_apitokenevent" ("created_at", "expires_at", "hint", "id", "name", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "scope") VALUES (NEW."created_at", NEW."expires_at", NEW."hint", NEW."id", NEW."name", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."revoked_at", NEW."scope"); RETURN NULL;', hash='b970b4974ef6840231928ec6a395a19bd5ee6760', operation='INSERT', pgid='pgtrigger_insert_insert_4106b', table='teams_apitoken', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."hint" IS DISTINCT FROM (NEW."hint") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."person_id" IS DISTINCT FROM (NEW."person_id") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at") OR OLD."scope" IS DISTINCT FROM (NEW."scope"))', func='INSERT INTO "teams_apitokenevent" ("created_at", "expires_at", "hint", "id", "name", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "scope") VALUES (NEW."created_at", NEW."expires_at", NEW."hint", NEW."id", NEW."name", NEW."person_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."revoked_at", NEW."scope"); RETURN NULL;', hash='c791f899343b47914c4b0c1eb5caba0f763b0b5b', operation='UPDATE', pgid='pgtrigger_update_update_8d26e', table='teams_apitoken', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_apitokenevent" ("created_at", "expires_at", "hint", "id", "name", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "revoked_at", "scope") VALUES (OLD."created_at", OLD."expires_at", OLD."hint", OLD."id", OLD."name", OLD."person_id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."revoked_at", OLD."scope"); RETURN NULL;', hash='cca54171f7722f6709fae556da22510bdad4d48c', operation='DELETE', pgid='pgtrigger_delete_delete_be002', table='teams_apitoken', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='ApiTokenEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='teams.apitoken')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('person', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                        ('name', models.CharField(max_length=80)),
                        ('scope', models.CharField(choices=[('read', 'Read only'), ('write', 'Read and write')], default='read', max_length=10)),
                        ('hint', models.CharField(editable=False, max_length=12)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                        ('expires_at', models.DateTimeField(blank=True, null=True)),
                        ('revoked_at', models.DateTimeField(editable=False, null=True)),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='PeopleRule',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(choices=[('role', 'Role'), ('team', 'Team')], max_length=10)),
                        ('text', models.CharField(help_text="The CRM's own word, in any case.", max_length=200)),
                        ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='people_rules', to='teams.team')),
                    ],
                    options={
                        'ordering': ['source', 'text'],
                        'constraints': [models.UniqueConstraint(models.F('source'), django.db.models.functions.text.Lower('text'), name='people_rule_once_in_any_case')],
                        'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_peopleruleevent" ("id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "team_id", "text") VALUES (NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."source", NEW."team_id", NEW."text"); RETURN NULL;', hash='2b0560a720ca07e8fe4352f85f0b6719999a5461', operation='INSERT', pgid='pgtrigger_insert_insert_0157d', table='teams_peoplerule', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "teams_peopleruleevent" ("id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "team_id", "text") VALUES (NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."source", NEW."team_id", NEW."text"); RETURN NULL;', hash='537d31799415dd54835096497fbe3c7ea2277bd1', operation='UPDATE', pgid='pgtrigger_update_update_2861c', table='teams_peoplerule', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_peopleruleevent" ("id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "source", "team_id", "text") VALUES (OLD."id", _pgh_attach_context(), NOW(), \'delete\', OLD."id", OLD."source", OLD."team_id", OLD."text"); RETURN NULL;', hash='154bff4377ea9fd5c30408e0804b6cd9fb72514e', operation='DELETE', pgid='pgtrigger_delete_delete_399da', table='teams_peoplerule', when='AFTER'))],
                    },
                ),
                migrations.CreateModel(
                    name='PeopleRuleEvent',
                    fields=[
                        ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                        ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                        ('pgh_label', models.TextField(help_text='The event label.')),
                        ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='teams.peoplerule')),
                        ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                        ('id', models.BigIntegerField()),
                        ('source', models.CharField(choices=[('role', 'Role'), ('team', 'Team')], max_length=10)),
                        ('text', models.CharField(help_text="The CRM's own word, in any case.", max_length=200)),
                        ('team', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='teams.team')),
                    ],
                    options={
                        'abstract': False,
                    },
                ),
                migrations.CreateModel(
                    name='PeopleSetting',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('deactivates_at_once', models.BooleanField(default=False, help_text='Who is switched off in every CRM loses access here at once.')),
                    ],
                ),
                migrations.CreateModel(
                    name='Leaving',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='leavings', to=settings.AUTH_USER_MODEL)),
                        ('left_at', models.DateTimeField()),
                        ('given', models.JSONField(default=dict)),
                        ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-left_at', '-id'],
                    },
                ),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='unitgrant',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_unitgrantevent" ("businessunit_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label") VALUES (NEW."businessunit_id", NEW."id", NEW."person_id", _pgh_attach_context(), NOW(), \'insert\'); RETURN NULL;', hash='5ef09b43eed38a2625f1b4f56db5d387445f8b4f', operation='INSERT', pgid='pgtrigger_insert_insert_6e9de', table='teams_person_business_units', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='unitgrant',
            trigger=pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "teams_unitgrantevent" ("businessunit_id", "id", "person_id", "pgh_context_id", "pgh_created_at", "pgh_label") VALUES (OLD."businessunit_id", OLD."id", OLD."person_id", _pgh_attach_context(), NOW(), \'delete\'); RETURN NULL;', hash='dbb43b2a49ae9b3b4c9ba1c4cacd5e95eba3d243', operation='DELETE', pgid='pgtrigger_delete_delete_4c8e5', table='teams_person_business_units', when='AFTER')),
        ),
    ]
