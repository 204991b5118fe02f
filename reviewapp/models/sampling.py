"""Statistical samples of what shipped by itself: drawn by seed, judged blind."""

from django.db import models

from reviewapp.enums import SampleOutcome


class SampleDraw(models.Model):
    """One draw from one block of auto-approved photos (SMP-01, SMP-11): the seed gives the same members again."""

    batch = models.ForeignKey("Batch", on_delete=models.PROTECT, related_name="sample_draws")
    block = models.PositiveIntegerField()
    population = models.PositiveIntegerField()
    population_sha256 = models.JSONField(help_text="The sorted content hashes the draw was made from.")
    rate = models.FloatField()
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["batch", "block"]
        constraints = [models.UniqueConstraint(fields=["batch", "block"], name="sample_block_once")]


class SampleMember(models.Model):
    """One drawn photo and what the person said."""

    draw = models.ForeignKey(SampleDraw, on_delete=models.PROTECT, related_name="members")
    asset = models.OneToOneField("Asset", on_delete=models.PROTECT, related_name="sample_member")
    review_task = models.OneToOneField("ReviewTask", on_delete=models.PROTECT, related_name="sample_member")
    rank = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=SampleOutcome.choices, default=SampleOutcome.PENDING)
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["draw", "rank"]
        indexes = [models.Index(fields=["outcome"], name="sample_outcome")]
