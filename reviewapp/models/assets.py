"""Assets: one photo of a batch, from the byte that arrived to the decision that closed it."""

from django.db import models
from django.db.models.functions import Upper

from reviewapp.enums import AssetState, Complexity, Lane


class Asset(models.Model):
    """One photo. Its original is immutable in content-addressed storage under `original_key`."""

    batch = models.ForeignKey("Batch", on_delete=models.PROTECT, related_name="assets")
    relative_path = models.CharField(max_length=400, help_text="As the client named it; shown, never used as a path.")
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    original_key = models.CharField(max_length=200)
    byte_size = models.PositiveBigIntegerField()
    duplicate_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="duplicates")

    state = models.CharField(max_length=20, choices=AssetState.choices, default=AssetState.RECEIVED)
    state_reason = models.CharField(max_length=500, blank=True, help_text="The sentence a client or manager reads.")
    state_code = models.CharField(max_length=60, blank=True, help_text="Stable code to group failures by.")
    state_changed_at = models.DateTimeField(auto_now_add=True)
    priority = models.PositiveSmallIntegerField(default=5)

    format = models.CharField(max_length=12, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    icc_profile = models.CharField(max_length=120, blank=True)
    camera = models.CharField(max_length=120, blank=True)
    taken_at = models.CharField(max_length=32, blank=True)
    exif = models.JSONField(default=dict, blank=True)
    phash = models.CharField(max_length=16, blank=True)
    intake_checks = models.JSONField(default=dict, blank=True)
    findings = models.JSONField(default=list, blank=True)

    sku = models.CharField(max_length=80, blank=True)
    asin = models.CharField(max_length=20, blank=True)
    category = models.CharField(max_length=60, blank=True)
    category_source = models.CharField(max_length=10, blank=True)
    shoot_group = models.CharField(max_length=80, blank=True)
    description = models.CharField(max_length=300, blank=True)

    complexity = models.CharField(max_length=10, choices=Complexity.choices, blank=True)
    edge_score = models.FloatField(null=True, blank=True)
    colour_match_risk = models.FloatField(null=True, blank=True)
    colour_family = models.CharField(max_length=20, blank=True)
    classification_rule = models.CharField(max_length=200, blank=True)
    lane = models.CharField(max_length=24, choices=Lane.choices, blank=True)
    lane_reason = models.CharField(max_length=200, blank=True)

    current_run = models.ForeignKey("ProcessingRun", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    own_preset = models.ForeignKey(
        "PresetVersion",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="A manager's choice for this photo alone, before its category's and its batch's (CLS-17).",
    )
    attempt = models.PositiveSmallIntegerField(default=1, help_text="Goes up with each redo.")
    sample_block = models.PositiveIntegerField(
        null=True, blank=True, help_text="The sample draw whose population this auto-approved photo was part of."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["batch", "state"], name="asset_batch_state"),
            models.Index(fields=["batch", "sku"], name="asset_batch_sku"),
            models.Index(fields=["batch", "id"], name="asset_batch_order"),
            models.Index(fields=["state", "id"], name="asset_state_order"),
            models.Index(fields=["category", "id"], name="asset_category_order"),
            models.Index(fields=["state_changed_at", "state"], name="asset_changed"),
            models.Index(fields=["sha256"], name="asset_sha256"),
            models.Index(Upper("sku"), "id", name="asset_sku_any_case"),
            # What somebody must look into: few in a batch, and asked of every batch in the list.
            models.Index(
                fields=["batch"],
                condition=models.Q(state="failed") & ~models.Q(state_code="given_up"),
                name="asset_failed_open",
            ),
            # The rest of a batch that does a sample first, in the order it is let through.
            models.Index(
                fields=["batch", "id"], condition=models.Q(state="waits_for_sample"), name="asset_waits_for_sample"
            ),
            # What no sample draw has covered yet: almost nothing in a batch that is done.
            models.Index(
                fields=["batch", "id"],
                condition=models.Q(state="auto_approved", sample_block__isnull=True),
                name="asset_undrawn",
            ),
        ]
        constraints = [
            # A rejected file holds no place: the same bytes may come again under a name that is right.
            models.UniqueConstraint(
                fields=["batch", "sha256"],
                condition=models.Q(duplicate_of__isnull=True) & ~models.Q(state="rejected_intake"),
                name="asset_once_per_batch",
            ),
            models.UniqueConstraint(fields=["batch", "relative_path", "sha256"], name="asset_same_file_once"),
        ]

    def __str__(self) -> str:
        return self.filename
