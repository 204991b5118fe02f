"""Running counts that database triggers keep, so that no page counts photos to show a number."""

from django.db import models


class Tally(models.Model):
    """One step of a count: `n` photos more or fewer under `key`. The count is the sum of all rows with one key.

    Rows are only ever added (by triggers, in the transaction of the change), so that two people deciding photos of one
    batch never wait for each other's count; services/tallies.py folds them together now and then. `batch_id` is 0 where
    the count is over everything. Not a foreign key: the row is written for the machine and never joined for a name.
    """

    kind = models.CharField(max_length=8, help_text="asset, review, edit, category or score")
    batch_id = models.PositiveBigIntegerField(default=0)
    key = models.CharField(max_length=60)
    n = models.IntegerField()

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [models.Index(fields=["kind", "batch_id", "key", "n"], name="tally_key")]
