"""Indexes for the lists and counts of a big archive, and running counts kept by triggers (docs/performance.md)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Upper

from reviewapp.migrations import _counted

COUNT = (
    "SELECT 'asset', a.batch_id, a.state, COUNT(*) FROM reviewapp_asset a GROUP BY 2, 3",
    "SELECT 'category', 0, a.category, COUNT(*) FROM reviewapp_asset a WHERE a.category <> '' GROUP BY 3",
    "SELECT 'score', 0, {bin}, COUNT(*) FROM reviewapp_asset a "
    "JOIN reviewapp_qualityreport q ON q.run_id = a.current_run_id GROUP BY 3",
    "SELECT 'review', a.batch_id, {review}, COUNT(*) FROM reviewapp_reviewtask t "
    "JOIN reviewapp_asset a ON a.id = t.asset_id WHERE t.state IN ('open', 'on_hold') GROUP BY 2, 3",
)


def fill(apps: Any, schema_editor: Any) -> None:
    """Count what is there; from here on the triggers keep count."""
    score = _counted.BINS[schema_editor.connection.vendor].format(total="q.total")
    for counted in COUNT:
        sql = counted.format(bin=score, review=_counted.KEY.format(row="t"))
        schema_editor.execute(_counted.PUT + sql, params=None)


def keep_append_only(apps: Any, schema_editor: Any) -> None:
    """Make anew what 0004 made for decisions: 0011 rebuilt their table on SQLite, which takes its triggers along."""
    table = "reviewapp_reviewdecision"
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER IF NOT EXISTS {table}_append_only BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('reviewapp', '0013_client_version'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(help_text='asset, review, category or score', max_length=8)),
                ('batch_id', models.PositiveBigIntegerField(default=0)),
                ('key', models.CharField(max_length=60)),
                ('n', models.IntegerField()),
            ],
            options={
                'verbose_name_plural': 'tallies',
            },
        ),
        migrations.RemoveIndex(
            model_name='asset',
            name='asset_state_priority',
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['batch', 'id'], name='asset_batch_order'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['state', 'id'], name='asset_state_order'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['category', 'id'], name='asset_category_order'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(fields=['state_changed_at', 'state'], name='asset_changed'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(Upper('sku'), models.F('id'), name='asset_sku_any_case'),
        ),
        migrations.AddIndex(
            model_name='asset',
            index=models.Index(condition=models.Q(('sample_block__isnull', True), ('state', 'auto_approved')), fields=['batch', 'id'], name='asset_undrawn'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['batch', 'noun', '-id'], name='audit_batch_noun'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['verb', '-id'], name='audit_verb'),
        ),
        migrations.AddIndex(
            model_name='qualityreport',
            index=models.Index(fields=['created_at', 'routing'], name='quality_created'),
        ),
        migrations.AddIndex(
            model_name='qualityreport',
            index=models.Index(fields=['total'], name='quality_total'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(fields=['created_at'], name='decision_created'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(condition=models.Q(('verdict', 'skip')), fields=['reviewer', 'task'], name='decision_skips'),
        ),
        migrations.AddIndex(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('state', 'on_hold')), fields=['decided_at', 'id'], name='review_held'),
        ),
        migrations.AddIndex(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('lease_owner__isnull', False), ('state', 'open')), fields=['lease_owner', 'lease_until'], name='review_lent'),
        ),
        migrations.AddIndex(
            model_name='samplemember',
            index=models.Index(fields=['outcome'], name='sample_outcome'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['finished_at'], name='task_finished'),
        ),
        migrations.AddIndex(
            model_name='tally',
            index=models.Index(fields=['kind', 'batch_id', 'key', 'n'], name='tally_key'),
        ),
        migrations.AddIndex(
            model_name='reviewtask',
            index=models.Index(condition=models.Q(('needs_senior', True), ('state', 'open')), fields=['priority', 'id'], name='review_senior'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(fields=['reviewer', '-id'], name='decision_reviewer_latest'),
        ),
        migrations.AddIndex(
            model_name='reviewdecision',
            index=models.Index(fields=['preset_version', '-id'], name='decision_preset_latest'),
        ),
        migrations.RunPython(keep_append_only, migrations.RunPython.noop),
        migrations.RunPython(_counted.add, _counted.drop),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
