"""Versioned, immutable processing presets; routing policies; category rules; proposals for change."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from reviewapp.enums import Complexity, ProposalState


class ImmutableModel(models.Model):
    """A row that is written once. Correcting it means writing a newer one."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert only. Raises ValidationError on an update."""
        if not self._state.adding:
            raise ValidationError(f"{type(self).__name__} is immutable: make a new version instead.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: history stays. Raises ValidationError."""
        raise ValidationError(f"{type(self).__name__} is kept for good.")


class Preset(models.Model):
    """A named line of processing settings; `current` is what new batches get."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(max_length=140, unique=True)
    description = models.CharField(max_length=300, blank=True)
    current = models.ForeignKey("PresetVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PresetVersion(ImmutableModel):
    """One set of parameters (processing.params.ProcessingParams.to_dict()), never changed after it is written."""

    preset = models.ForeignKey(Preset, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    params = models.JSONField()
    digest = models.CharField(max_length=64)
    note = models.CharField(max_length=500)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["preset", "-number"]
        constraints = [models.UniqueConstraint(fields=["preset", "number"], name="preset_version_number")]

    def __str__(self) -> str:
        return f"{self.preset.name} v{self.number}"


class RoutingPolicy(ImmutableModel):
    """Thresholds of the line as one version; the highest number is in force for whatever is routed from now on."""

    number = models.PositiveIntegerField(unique=True)
    approve_at = models.FloatField(default=90.0)
    review_at = models.FloatField(default=70.0)
    white_tolerance = models.PositiveSmallIntegerField(default=250)
    compliance_rate = models.FloatField(default=0.95)
    perimeter_samples = models.PositiveSmallIntegerField(default=50)
    fill_target = models.FloatField(default=0.85)
    edge_medium = models.FloatField(default=0.30)
    edge_complex = models.FloatField(default=0.60)
    colour_risk = models.FloatField(default=0.30)
    medium_goes_to_people = models.BooleanField(default=True, help_text="RTE-04/B18: off = the score alone decides.")
    allow_not_measured = models.BooleanField(
        default=True, help_text="QC-08: may a photo without a colour measure auto-approve?"
    )
    review_anomalies = models.BooleanField(
        default=True, help_text="REV-18: a person looks at what is unlike the rest of its batch before it ships."
    )
    min_confidence = models.FloatField(default=0.75)
    sample_rate = models.FloatField(default=0.10)
    explored_share = models.FloatField(
        default=0.04, help_text="Share of the photos below the review line that a person looks at all the same."
    )
    sample_block = models.PositiveSmallIntegerField(default=50)
    sample_reject_limit = models.PositiveSmallIntegerField(
        default=2, help_text="This many rejected samples pause the batch."
    )
    prove_lots = models.BooleanField(
        default=False, help_text="Off = clients who don't say otherwise are on simple mode."
    )
    tolerated_rate = models.FloatField(default=0.02, help_text="Alpha: the share of escapes that proof mode promises.")
    window_images = models.PositiveIntegerField(default=5000, help_text="A certificate speaks of this many photos.")
    max_redo = models.PositiveSmallIntegerField(default=3)
    proposal_min_count = models.PositiveSmallIntegerField(default=5)
    proposal_share = models.FloatField(
        default=0.05, help_text="A reject reason above this share of decisions drafts a change."
    )
    study_min_rejects = models.PositiveSmallIntegerField(
        default=40, help_text="Rejections since a version is in use from which a proposal is searched for and tested."
    )
    study_share = models.FloatField(default=0.02, help_text="And the top reason is above this share of the photos.")
    study_trials = models.PositiveSmallIntegerField(default=40, help_text="Settings that a search tries.")
    trial_share = models.FloatField(
        default=0.10, help_text="Share of new products that a version on trial gets; people look at all of them."
    )
    retune_on_drift = models.BooleanField(
        default=True, help_text="Scores that drift start a test of the preset, however few its rejections are."
    )
    retune_days = models.PositiveSmallIntegerField(
        default=90, help_text="And so do this many days since its last test or change; 0 = never."
    )
    note = models.CharField(max_length=500)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "routing policies"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(review_at__lt=models.F("approve_at")), name="policy_review_below_approve"
            ),
            models.CheckConstraint(
                condition=models.Q(approve_at__lte=100) & models.Q(review_at__gte=0), name="policy_scores_0_100"
            ),
            models.CheckConstraint(
                condition=models.Q(sample_rate__gte=0) & models.Q(sample_rate__lte=1), name="policy_rate_0_1"
            ),
            models.CheckConstraint(
                condition=models.Q(explored_share__gte=0) & models.Q(explored_share__lte=1), name="policy_explored_0_1"
            ),
        ]

    def __str__(self) -> str:
        return f"Routing policy {self.number}"


class CategoryRule(models.Model):
    """CLS-04: a category's complexity outranks the pixels; always_human can't be bypassed by any score (RTE-09)."""

    category = models.CharField(max_length=60, unique=True)
    complexity = models.CharField(max_length=10, choices=Complexity.choices)
    always_human = models.BooleanField(default=False)
    checks_colour = models.BooleanField(default=False, help_text="As the client's flag, for one category (REV-11).")
    preset = models.ForeignKey(Preset, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        ordering = ["category"]

    def __str__(self) -> str:
        return f"{self.category} = {self.complexity}"


class PresetProposal(models.Model):
    """FBK-01: a drafted change with its evidence; an admin accepts (a new version) or declines it."""

    base = models.ForeignKey(PresetVersion, on_delete=models.PROTECT, related_name="proposals")
    reason_code = models.CharField(max_length=40)
    params = models.JSONField()
    changes = models.JSONField(help_text="[{path, old, new}]")
    evidence = models.JSONField(help_text="{decisions, rejected_with_reason, share, limit, decision_ids}")
    state = models.CharField(max_length=10, choices=ProposalState.choices, default=ProposalState.OPEN)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.CharField(max_length=500, blank=True)
    result = models.ForeignKey(PresetVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["base", "reason_code"], condition=models.Q(state="open"), name="one_open_proposal_per_reason"
            )
        ]
