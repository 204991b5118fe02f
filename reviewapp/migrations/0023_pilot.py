"""Pilots, batches that do a sample first, and who owns a batch (until now: who made it)."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def owned_by_who_made_it(apps: Any, schema_editor: Any) -> None:
    """The pages named the creator as the owner."""
    apps.get_model("reviewapp", "Batch").objects.update(owner=models.F("created_by"))


class Migration(migrations.Migration):

    dependencies = [
        ('reviewapp', '0022_run_look'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FirstMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rank', models.PositiveIntegerField()),
            ],
            options={
                'ordering': ['sample', 'rank'],
            },
        ),
        migrations.CreateModel(
            name='FirstSample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('share', models.FloatField()),
                ('population', models.PositiveIntegerField()),
                ('population_digest', models.CharField(help_text='policies.sampling.population_digest of the photos.', max_length=64)),
                ('size', models.PositiveIntegerField()),
                ('looked_at', models.DateTimeField(blank=True, help_text='People had judged all of it for the first time.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['batch', 'number'],
            },
        ),
        migrations.CreateModel(
            name='PilotReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('facts', models.JSONField(help_text='selectors.findings.Findings.facts()')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='batch',
            name='applied_at',
            field=models.DateTimeField(blank=True, help_text='What the first sample showed was applied: the rest goes through the line.', null=True),
        ),
        migrations.AddField(
            model_name='batch',
            name='first_share',
            field=models.FloatField(blank=True, help_text='This share is done first and judged by people; empty = all at once.', null=True),
        ),
        migrations.AddField(
            model_name='batch',
            name='is_pilot',
            field=models.BooleanField(default=False, help_text='A person looks at every photo; a report is made.'),
        ),
        migrations.AddField(
            model_name='batch',
            name='owner',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='batch',
            name='rest_version',
            field=models.ForeignKey(blank=True, help_text="The rest is done with it instead of the batch's own.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reviewapp.presetversion'),
        ),
        migrations.AlterField(
            model_name='asset',
            name='state',
            field=models.CharField(choices=[('received', 'Received'), ('rejected_intake', 'Rejected at intake'), ('duplicate', 'Duplicate'), ('validated', 'Validated'), ('classified', 'Classified'), ('waits_for_sample', 'Waits for the sample'), ('queued', 'Queued for processing'), ('scored', 'Scored'), ('auto_approved', 'Auto-approved'), ('in_review', 'Waiting for review'), ('on_hold', 'On hold'), ('approved', 'Approved'), ('redo', 'Being redone'), ('editing', 'With an editor'), ('awaiting_signoff', 'Waiting for sign-off'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='received', max_length=20),
        ),
        migrations.AlterField(
            model_name='reviewtask',
            name='reason',
            field=models.CharField(choices=[('score_band', 'Score in the review band'), ('medium', 'Medium complexity always gets a person'), ('gate', 'A hard gate failed'), ('anomaly', 'Unlike the rest of the batch'), ('sample', 'Statistical sample'), ('not_measured', 'Colour could not be measured'), ('low_confidence', 'The cut-out is uncertain'), ('client_rule', 'The client asked for a person'), ('escalated', 'Escalated'), ('canary', 'A new preset version is on trial'), ('explored', 'Below the line, looked at all the same'), ('mended', 'The line cleared something itself'), ('first_sample', 'Sample of a batch before the rest is done'), ('pilot', 'Pilot: a person looks at every photo')], max_length=20),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(condition=models.Q(('state', 'waits_for_sample')), fields=['batch', 'id'], name='asset_waits_for_sample'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(fields=['owner', '-id'], name='batch_owner'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(condition=models.Q(('applied_at__isnull', True), ('first_share__isnull', False)), fields=['-id'], name='batch_sampling'),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.CheckConstraint(condition=models.Q(('first_share__isnull', True), models.Q(('first_share__gt', 0), ('first_share__lt', 1)), _connector='OR'), name='batch_first_share_0_1'),
        ),
        migrations.AddField(
            model_name='firstmember',
            name='asset',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='first_member', to='reviewapp.asset'),
        ),
        migrations.AddField(
            model_name='firstsample',
            name='batch',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='first_samples', to='reviewapp.batch'),
        ),
        migrations.AddField(
            model_name='firstsample',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='firstsample',
            name='preset_version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reviewapp.presetversion'),
        ),
        migrations.AddField(
            model_name='firstmember',
            name='sample',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='members', to='reviewapp.firstsample'),
        ),
        migrations.AddField(
            model_name='pilotreport',
            name='batch',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='pilot_report', to='reviewapp.batch'),
        ),
        migrations.AddConstraint(
            model_name='firstsample',
            constraint=models.UniqueConstraint(fields=('batch', 'number'), name='first_sample_once'),
        ),
        migrations.RunPython(owned_by_who_made_it, migrations.RunPython.noop),
    ]
