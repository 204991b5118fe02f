"""Review tasks (leased) and the decisions people made (append-only)."""

from django.conf import settings
from django.db import models

from reviewapp.enums import ReviewReason, ReviewTaskState, Verdict

from .presets import ImmutableModel


class ReviewTask(models.Model):
    """One result waiting for a person. `version` counts decisions and guards against two people deciding at once."""

    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="review_tasks")
    run = models.ForeignKey("ProcessingRun", on_delete=models.PROTECT, related_name="review_tasks")
    reason = models.CharField(max_length=20, choices=ReviewReason.choices)
    why = models.CharField(max_length=300)
    state = models.CharField(max_length=10, choices=ReviewTaskState.choices, default=ReviewTaskState.OPEN)
    priority = models.PositiveSmallIntegerField(default=5)
    lease_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_queue = models.CharField(
        max_length=8,
        default="mixed",
        help_text="Which queue lent it: what was taken blind is not shown with its score.",
    )
    skipped_by = models.JSONField(default=list, blank=True, help_text="User ids, latest last; they get it again last.")
    needs_senior = models.BooleanField(default=False, help_text="Escalated: only a senior is given it.")
    escalated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    escalation_note = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["priority", "id"]
        indexes = [
            models.Index(fields=["priority", "id"], condition=models.Q(state="open"), name="review_open"),
            models.Index(
                fields=["priority", "id"], condition=models.Q(state="open", needs_senior=True), name="review_senior"
            ),
            models.Index(fields=["decided_at", "id"], condition=models.Q(state="on_hold"), name="review_held"),
            models.Index(
                fields=["lease_owner", "lease_until"],
                condition=models.Q(state="open", lease_owner__isnull=False),
                name="review_lent",
            ),
            # Few rows of many: what was looked at because of how it looks in its set, by its result and by the day.
            models.Index(fields=["run"], condition=models.Q(reason="anomaly"), name="review_anomaly"),
            models.Index(fields=["created_at"], condition=models.Q(reason="anomaly"), name="review_anomaly_made"),
        ]
        constraints = [
            # Hidden looks (samples, second people, known pictures) may come to one result more than once.
            models.UniqueConstraint(
                fields=["run"], condition=~models.Q(reason="sample"), name="one_review_task_per_run"
            )
        ]


class ReviewDecision(ImmutableModel):
    """A judgement. Undo is a new row with `undoes` set; a late one is kept as a second opinion."""

    task = models.ForeignKey(ReviewTask, on_delete=models.PROTECT, related_name="decisions")
    asset = models.ForeignKey("Asset", on_delete=models.PROTECT, related_name="decisions")
    run = models.ForeignKey("ProcessingRun", on_delete=models.PROTECT, related_name="decisions")
    preset_version = models.ForeignKey("PresetVersion", on_delete=models.PROTECT, related_name="decisions")
    policy = models.ForeignKey("RoutingPolicy", on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    reasons = models.JSONField(default=list)
    directions = models.JSONField(
        default=dict, blank=True, help_text="{reason: way}, where the reviewer said which way it is wrong."
    )
    note = models.CharField(max_length=500, blank=True)
    marks = models.JSONField(
        default=list, blank=True, help_text="Rings drawn on the result: {x, y, w, h} in its pixels."
    )
    colour_checked = models.BooleanField(
        default=False, help_text="The reviewer ticked that the colour was held against the product itself (REV-11)."
    )
    score_total = models.FloatField()
    was_blind = models.BooleanField(default=True)
    is_second_opinion = models.BooleanField(default=False)
    undoes = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by")
    idempotency_key = models.CharField(max_length=64, unique=True)
    seconds_taken = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["reviewer", "-created_at"], name="decision_reviewer_created"),
            models.Index(fields=["reviewer", "-id"], name="decision_reviewer_latest"),
            models.Index(fields=["preset_version", "-id"], name="decision_preset_latest"),
            models.Index(fields=["created_at"], name="decision_created"),
            # Few rows of many: what each person skipped, which every claim asks.
            models.Index(fields=["reviewer", "task"], condition=models.Q(verdict="skip"), name="decision_skips"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "version"], condition=models.Q(is_second_opinion=False), name="one_decision_per_version"
            )
        ]
