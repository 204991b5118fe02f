"""Samples: of what shipped by itself, drawn by seed and judged blind; of a batch before the rest of it is done."""

from django.conf import settings
from django.db import models

from reviewapp.enums import SampleOutcome

from .presets import ImmutableModel


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


class FirstSample(models.Model):
    """Photos of a batch that are done and judged before the rest is (SMP-06). Each round draws from what waits.

    The seed is the batch's: with the photos the digest was made of, the draw can be derived again.
    """

    batch = models.ForeignKey("Batch", on_delete=models.PROTECT, related_name="first_samples")
    number = models.PositiveIntegerField()
    preset_version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="+")
    share = models.FloatField()
    population = models.PositiveIntegerField()
    population_digest = models.CharField(max_length=64, help_text="policies.sampling.population_digest of the photos.")
    size = models.PositiveIntegerField()
    looked_at = models.DateTimeField(null=True, blank=True, help_text="People had judged all of it for the first time.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["batch", "number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="first_sample_once")]


class FirstMember(models.Model):
    """One photo of a first sample; none is in two of them."""

    sample = models.ForeignKey(FirstSample, on_delete=models.PROTECT, related_name="members")
    asset = models.OneToOneField("Asset", on_delete=models.PROTECT, related_name="first_member")
    rank = models.PositiveIntegerField()

    class Meta:
        ordering = ["sample", "rank"]


class PilotReport(ImmutableModel):
    """What a pilot showed when its last photo was resolved (SMP-05)."""

    batch = models.OneToOneField("Batch", on_delete=models.PROTECT, related_name="pilot_report")
    facts = models.JSONField(help_text="selectors.findings.Findings.facts()")
    created_at = models.DateTimeField(auto_now_add=True)
