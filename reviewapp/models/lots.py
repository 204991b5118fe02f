"""Lots that are proven: what shipped by itself in one scope, the looks at it, and what they prove together."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from reviewapp.enums import AlarmKind, LookKind, LotState, ScopeMode, Verdict


class Scope(models.Model):
    """What a certificate speaks of: one client's category under one preset, threshold and score version.

    `state` is policies.quality.scopes.Scope (services/scopes.py reads and writes it); a new version is a new row.
    """

    client = models.ForeignKey("Client", on_delete=models.PROTECT, related_name="scopes")
    category = models.CharField(max_length=60, blank=True)
    preset_version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="scopes")
    policy = models.ForeignKey("RoutingPolicy", on_delete=models.PROTECT, related_name="+")
    pipeline_version = models.CharField(max_length=20)
    mode = models.CharField(max_length=9, choices=ScopeMode.choices, default=ScopeMode.LEARN)
    state = models.JSONField(default=dict)
    held_reason = models.CharField(max_length=300, blank=True)
    lot_count = models.PositiveIntegerField(default=0)
    last_lot_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "category", "preset_version", "policy", "pipeline_version"], name="scope_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.client.name}: {self.category or 'any category'}, {self.preset_version}"


class Lot(models.Model):
    """Photos of one scope that were approved by score alone and are proven together.

    `plan` is policies.quality.lots.LotPlan, written before the first look and never changed. The seed of the order
    comes from the batches' own seeds, whose hashes were stored before anything was scored.
    """

    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="lots")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=LotState.choices, default=LotState.WAITING)
    size = models.PositiveIntegerField(default=0)
    plan = models.JSONField(default=dict)
    seed = models.CharField(max_length=64, blank=True)
    seed_sha256 = models.CharField(max_length=64, blank=True)
    passes = models.PositiveSmallIntegerField(default=1)
    is_incident = models.BooleanField(default=False)
    why = models.CharField(max_length=300, blank=True, help_text="What it waits for, or why it is on hold; for people.")
    record = models.JSONField(default=dict, help_text="What it added to its scope's window when it was released.")
    created_at = models.DateTimeField(auto_now_add=True)
    planned_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["scope", "number"], name="lot_number")]
        indexes = [
            models.Index(fields=["scope", "-id"], name="lot_scope"),
            models.Index(fields=["id"], condition=~Q(state="released"), name="lot_live"),
        ]

    def __str__(self) -> str:
        return f"lot {self.number} of scope {self.scope_id}"


class LotPlace(models.Model):
    """A photo's place in its lot: `rank` in the seeded order from 0, `pi` its logged chance of a look (0..1)."""

    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="places")
    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="lot_places")
    run = models.ForeignKey("ProcessingRun", on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveIntegerField(null=True, blank=True)
    pi = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["lot", "rank", "id"]
        constraints = [
            models.UniqueConstraint(fields=["lot", "asset"], name="lot_asset_once"),
            models.UniqueConstraint(fields=["lot", "rank"], name="lot_rank_once"),
        ]


class Look(models.Model):
    """One hidden look. Its task is an ordinary one of the blind queue; what it is for stands here only.

    `verdict` is empty until somebody judged. A second person's look points to the flag it judges (`of`).
    """

    task = models.OneToOneField("ReviewTask", on_delete=models.PROTECT, related_name="look")
    kind = models.CharField(max_length=6, choices=LookKind.choices)
    lot = models.ForeignKey(Lot, null=True, blank=True, on_delete=models.PROTECT, related_name="looks")
    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="looks")
    gold = models.ForeignKey("GoldItem", null=True, blank=True, on_delete=models.PROTECT, related_name="looks")
    of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="seconds")
    number = models.PositiveSmallIntegerField(default=1, help_text="Of the inspection it belongs to.")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="looks"
    )
    verdict = models.CharField(max_length=8, choices=Verdict.choices, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    seconds_taken = models.FloatField(null=True, blank=True)
    is_void = models.BooleanField(default=False, help_text="Doesn't count: its reviewer's known pictures alarmed.")
    created_at = models.DateTimeField(auto_now_add=True)
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["lot", "kind"], name="look_lot"),
            models.Index(fields=["reviewer", "judged_at"], condition=~Q(verdict=""), name="look_reviewer"),
            models.Index(fields=["gold", "reviewer"], condition=Q(kind="gold"), name="look_gold"),
            models.Index(fields=["id"], condition=Q(verdict="", is_void=False), name="look_pending"),
        ]
        constraints = [
            # One look that counts per photo, purpose and inspection, whoever plans it twice.
            models.UniqueConstraint(
                fields=["lot", "asset", "number"], condition=Q(kind="first", is_void=False), name="look_first_once"
            ),
            models.UniqueConstraint(fields=["of"], condition=Q(kind="second", is_void=False), name="look_second_once"),
            models.UniqueConstraint(
                fields=["lot", "asset", "number"], condition=Q(kind="again", is_void=False), name="look_again_once"
            ),
            models.UniqueConstraint(
                fields=["lot", "asset"], condition=Q(kind="retro", is_void=False), name="look_retro_once"
            ),
        ]


class Certificate(models.Model):
    """What a scope's window proved at one date (policies.quality.certificate). Rows are added, never changed."""

    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="certificates")
    made_on = models.DateField()
    images = models.PositiveIntegerField()
    f1 = models.PositiveIntegerField()
    f2 = models.PositiveIntegerField()
    pi_min = models.FloatField()
    sensitivity = models.FloatField()
    upper = models.PositiveIntegerField(null=True, blank=True)
    upper_anytime = models.FloatField(null=True, blank=True)
    alpha = models.FloatField()
    delta = models.FloatField()
    is_ok = models.BooleanField()
    point = models.FloatField(null=True, blank=True)
    looks_left = models.PositiveIntegerField(null=True, blank=True)
    mode = models.CharField(max_length=9, choices=ScopeMode.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["scope", "-id"], name="certificate_scope")]


class Alarm(models.Model):
    """Something people must see and end with a word. Open until `closed_at`; the same one is not raised twice."""

    kind = models.CharField(max_length=16, choices=AlarmKind.choices)
    key = models.CharField(max_length=80, help_text="What it is about; open alarms have different ones.")
    scope = models.ForeignKey(Scope, null=True, blank=True, on_delete=models.PROTECT, related_name="alarms")
    lot = models.ForeignKey(Lot, null=True, blank=True, on_delete=models.PROTECT, related_name="alarms")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="quality_alarms"
    )
    text = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["-id"], condition=Q(closed_at__isnull=True), name="alarm_open")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], condition=Q(closed_at__isnull=True), name="alarm_open_once")
        ]
