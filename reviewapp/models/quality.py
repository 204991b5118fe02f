"""Quality reports: the score of a run, its gates and where the policy sent it."""

from django.db import models

from reviewapp.enums import Routing


class QualityReport(models.Model):
    """QC-09. Totals are compared unrounded and shown rounded down (B9). One per run, never rewritten."""

    run = models.OneToOneField("ProcessingRun", on_delete=models.PROTECT, related_name="quality")
    total = models.FloatField()
    background = models.FloatField()
    edge = models.FloatField()
    fill = models.FloatField()
    colour = models.FloatField()
    colour_measured = models.BooleanField(default=True)
    background_status = models.CharField(max_length=14)
    compliance_rate = models.FloatField()
    failures = models.JSONField(default=list)
    gates = models.JSONField(default=list)
    measures = models.JSONField(default=list)
    checks = models.JSONField(default=dict)
    label_map = models.TextField(blank=True, help_text="base64 PNG of processing.quality.labels: where it is wrong.")
    colour_map = models.TextField(blank=True, help_text="base64 PNG: how far the colours are off.")
    advice = models.CharField(max_length=300, blank=True)
    routing = models.CharField(max_length=16, choices=Routing.choices)
    routing_rule = models.CharField(max_length=200)
    policy = models.ForeignKey("RoutingPolicy", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # All that the thresholds page reads of a result: in the row itself it lies behind the wide columns.
            models.Index(fields=["created_at", "id", "routing", "total", "policy", "run"], name="quality_created"),
            models.Index(fields=["total"], name="quality_total"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(total__gte=0) & models.Q(total__lte=100), name="quality_total_0_100"
            )
        ]

    @property
    def shown_total(self) -> int:
        """The total as people see it: rounded down, so 89.9 never reads as 90."""
        return int(self.total)
