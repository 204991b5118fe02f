"""Presets that learn: lives of versions, replay sets, a proposal's study, the duel, the canary and its alarms."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from reviewapp.enums import Author, CanaryState, LearningAlarmKind, LifeState, Side, StudyStage

from .presets import ImmutableModel


class PresetLife(models.Model):
    """Beside an immutable version: where it came from, where it stands, who put it there and on what evidence."""

    version = models.OneToOneField("PresetVersion", on_delete=models.PROTECT, related_name="life")
    parent = models.ForeignKey("PresetVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    author = models.CharField(max_length=8, choices=Author.choices, default=Author.HUMAN)
    state = models.CharField(max_length=12, choices=LifeState.choices, default=LifeState.DRAFT)
    evidence = models.JSONField(default=dict, blank=True)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    activated_at = models.DateTimeField(null=True, blank=True, help_text="When it first reached photos by itself.")
    why = models.CharField(max_length=300, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.version_id}: {self.state}"


class PresetLock(models.Model):
    """A preset that nothing may change until an admin unlocks it (PRE-05)."""

    preset = models.OneToOneField("Preset", on_delete=models.PROTECT, related_name="lock")
    locked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)


class PresetBan(ImmutableModel):
    """Where a rolled-back version stood: nothing is proposed there before `until` (policies.quality.bans)."""

    preset = models.ForeignKey("Preset", on_delete=models.PROTECT, related_name="bans")
    version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="+")
    region = models.JSONField(help_text="{path: [low, high]} of numbers, {path: value} of choices.")
    until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["preset", "until"], name="ban_preset_until")]


class ReplaySet(ImmutableModel):
    """Photos frozen for comparing versions of a preset, half of them rejected, half approved before."""

    base = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="replay_sets")
    digest = models.CharField(max_length=64, help_text="sha256 of ids, weights and groups.")
    seed = models.CharField(max_length=64, help_text="Hex; fixes which photos were taken, and in which order.")
    size = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)


class ReplayItem(ImmutableModel):
    """One photo of a replay set, with the run and decision it was drawn for and its weight 1 / pi."""

    replay = models.ForeignKey(ReplaySet, on_delete=models.PROTECT, related_name="items")
    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey("ProcessingRun", on_delete=models.PROTECT, related_name="+")
    place = models.PositiveSmallIntegerField()
    pi = models.FloatField()
    weight = models.FloatField()
    was_approved = models.BooleanField()

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["replay", "place"], name="replay_place"),
            models.UniqueConstraint(fields=["replay", "asset"], name="replay_photo_once"),
        ]


class Study(models.Model):
    """How a proposal earns its evidence: search, both results made, a blind duel, a verdict."""

    proposal = models.OneToOneField("PresetProposal", on_delete=models.PROTECT, related_name="study")
    replay = models.ForeignKey(ReplaySet, on_delete=models.PROTECT, related_name="studies")
    stage = models.CharField(max_length=10, choices=StudyStage.choices, default=StudyStage.SEARCHING)
    why = models.CharField(max_length=300, blank=True)
    pipeline_version = models.CharField(max_length=20)
    seed = models.CharField(max_length=64)
    starts = models.JSONField(help_text="Settings to search around, each a whole preset; the champion's first.")
    paths = models.JSONField(help_text="Numbers the search may move.")
    nudge = models.JSONField(default=dict, help_text="{path: value} the reasons suggest.")
    model = models.JSONField(help_text="What people said of scores: centre, scale, slopes, intercept.")
    trials_wanted = models.PositiveSmallIntegerField()
    trials = models.JSONField(default=list, help_text="[start, {path: value}, objective 0..100] in order.")
    champion_value = models.FloatField(null=True, blank=True)
    best_value = models.FloatField(null=True, blank=True)
    challenger = models.OneToOneField(
        "PresetVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="study"
    )
    compared = models.JSONField(default=list, help_text="Measures of both sides, paired.")
    difference = models.FloatField(null=True, blank=True)
    standard_error = models.FloatField(null=True, blank=True)
    pairs = models.PositiveSmallIntegerField(default=0)
    grave = models.PositiveSmallIntegerField(default=0)
    looks = models.PositiveSmallIntegerField(default=0)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["stage", "id"], name="study_stage")]


class StudyRun(models.Model):
    """One side's result of one replay photo, and the blind task in which people judge it."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="runs")
    item = models.ForeignKey(ReplayItem, on_delete=models.PROTECT, related_name="+")
    side = models.CharField(max_length=10, choices=Side.choices)
    run = models.OneToOneField(
        "ProcessingRun", null=True, blank=True, on_delete=models.PROTECT, related_name="study_run"
    )
    review_task = models.OneToOneField(
        "ReviewTask", null=True, blank=True, on_delete=models.PROTECT, related_name="study_run"
    )
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["study", "item", "side"], name="one_result_per_side")]


class Canary(models.Model):
    """A version on a share of the photos, all of them reviewed, until it is promoted or rolled back by itself."""

    version = models.OneToOneField("PresetVersion", on_delete=models.PROTECT, related_name="canary")
    parent = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="+")
    preset = models.ForeignKey("Preset", on_delete=models.PROTECT, related_name="canaries")
    seed = models.CharField(max_length=64)
    share = models.FloatField()
    champion_rate = models.FloatField(help_text="Share of the parent's photos people reject, 0..1.")
    champion_passing = models.FloatField(help_text="Share of the parent's scores that reach the pass line, 0..1.")
    state = models.CharField(max_length=12, choices=CanaryState.choices, default=CanaryState.RUNNING)
    looks = models.PositiveIntegerField(default=0)
    finds = models.PositiveIntegerField(default=0)
    watch = models.FloatField(default=0.0, help_text="CUSUM of the finds; the alarm is at `limit`.")
    limit = models.FloatField()
    trip = models.FloatField(default=0.0, help_text="CUSUM of scores below the pass line.")
    why = models.CharField(max_length=300, blank=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["preset"], condition=models.Q(state="running"), name="one_canary_per_preset"
            )
        ]


class CanaryPlace(models.Model):
    """A photo that is done with the version on trial."""

    canary = models.ForeignKey(Canary, on_delete=models.PROTECT, related_name="places")
    asset = models.OneToOneField("Asset", on_delete=models.PROTECT, related_name="canary_place")
    passes = models.BooleanField(
        null=True, blank=True, help_text="Did its score reach the pass line? None: no score yet."
    )
    scored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["canary", "scored_at"], name="canary_scored")]


class Calibration(ImmutableModel):
    """FBK-03: one weekly look at how alike a preset's results of known photos are, beside those kept as reference."""

    preset = models.ForeignKey("Preset", on_delete=models.PROTECT, related_name="calibrations")
    version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="+")
    week = models.CharField(max_length=8, help_text="ISO year and week, as 2026-W07.")
    photos = models.PositiveSmallIntegerField()
    figures = models.JSONField(help_text="The four of QC-17 and their mean, 0..100, and the worst deviation.")
    deviation = models.FloatField(help_text="Largest median CIEDE2000 from its reference, over the photos.")
    limit = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["preset", "week"], name="one_calibration_per_week")]


class LearningAlarm(models.Model):
    """Something a manager must look at: calibration over its limit, scores that drift, a trial without an end."""

    kind = models.CharField(max_length=12, choices=LearningAlarmKind.choices)
    preset = models.ForeignKey("Preset", on_delete=models.PROTECT, related_name="alarms")
    text = models.CharField(max_length=300)
    facts = models.JSONField(default=dict)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "preset"], condition=models.Q(closed_at__isnull=True), name="one_open_alarm_per_kind"
            )
        ]


class PolicyDraft(models.Model):
    """Thresholds that raise the risk: one admin wants them, another has to agree before they are in force."""

    values = models.JSONField()
    note = models.CharField(max_length=500)
    seen = models.PositiveIntegerField(help_text="Number of the policy it was drafted against.")
    why_two = models.CharField(max_length=300, help_text="Why a second person is asked.")
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    result = models.ForeignKey("RoutingPolicy", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
