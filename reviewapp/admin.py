"""The operations admin at /ops/: a window into every table for whoever runs the machine. It reads; services write.

Changes made here would pass by the audit log, so only client notes can be edited, and nothing is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest

from reviewapp import models
from reviewapp.selectors.audit import READ
from reviewapp.services import audit

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin  # generic for the type checker only

admin.site.site_header = "Softproof operations"
admin.site.site_title = "Softproof operations"
admin.site.site_url = None


if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # generic only in the type stubs
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """Shows rows, changes none. Every column of the table is on the detail page."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


admin.site.unregister(User)
admin.site.unregister(Group)
# Allauth's tables hold secrets of second factors; their own pages could change them past the audit log.
for _model in (EmailAddress, Authenticator):
    admin.site.unregister(_model)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Accounts and roles are changed on the people page, which writes it down."""

    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login")
    exclude = ("password",)


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    """Roles are groups; what they may do is in services/people.py."""


@admin.register(models.Client)
class ClientAdmin(AnyAdmin):
    """A client's notes and rules for delivery can be edited; a client is never deleted."""

    list_display = ("name", "validation_profile", "requires_human_colour", "waits_for_samples")
    search_fields = ("name",)
    # Where the client is told things is checked and logged on the client's page, and only there.
    readonly_fields = ("slug", "created_at", "grace_minutes", "webhook_url", "notify_emails")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Clients come with their first batch."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Client | None = None) -> bool:
        """Never."""
        return False


@admin.register(models.Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = (
        "pk",
        "client",
        "name",
        "state",
        "preset_version",
        "owner",
        "priority",
        "created_at",
        "completed_at",
    )
    list_filter = ("state",)
    search_fields = ("name", "client__name")
    list_select_related = ("client", "preset_version__preset", "owner")
    # The seed decides which photos are samples; nobody sees it before the batch is delivered.
    exclude = ("sample_seed",)


@admin.register(models.Asset)
class AssetAdmin(ReadOnlyAdmin):
    list_display = ("pk", "batch_id", "relative_path", "sku", "state", "state_code", "lane", "state_changed_at")
    list_filter = ("state", "lane", "complexity")
    search_fields = ("relative_path", "sku", "sha256")
    raw_id_fields = ("batch", "duplicate_of", "current_run")


@admin.register(models.Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ("pk", "key", "step", "state", "attempts", "owner", "lease_until", "error_category", "error_code")
    list_filter = ("state", "step", "error_category")
    search_fields = ("key", "error_text")


@admin.register(models.WorkerHeartbeat)
class WorkerHeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "role", "pid", "remover", "tasks_done", "rss_bytes", "seen_at")


@admin.register(models.ProcessingRun)
class ProcessingRunAdmin(ReadOnlyAdmin):
    list_display = ("pk", "asset_id", "kind", "remover", "model_name", "attempt", "worker", "created_at")
    list_filter = ("kind", "remover")


@admin.register(models.Rendition)
class RenditionAdmin(ReadOnlyAdmin):
    list_display = ("pk", "asset_id", "channel", "state", "filename", "byte_size", "error")
    list_filter = ("state", "channel__key")
    list_select_related = ("channel",)


@admin.register(models.Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("pk", "batch_id", "number", "state", "file_count", "byte_size", "created_at")


@admin.register(models.OutboundMessage)
class OutboundMessageAdmin(ReadOnlyAdmin):
    list_display = ("pk", "created_at", "kind", "channel", "client_id", "batch_id", "state", "attempts", "error_text")
    list_filter = ("state", "kind", "channel")


@admin.register(models.WebhookSecret)
class WebhookSecretAdmin(ReadOnlyAdmin):
    """Whose there is, never what it is."""

    list_display = ("pk", "client_id", "made_at")
    exclude = ("secret",)


@admin.register(models.AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("pk", "created_at", "actor", "verb", "noun", "object_id", "batch_id", "asset_id", "note")
    list_filter = ("verb",)
    search_fields = ("note", "object_id")
    list_select_related = ("actor",)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Reading the log is an event here as on the site's own page (SEC-06)."""
        audit.record(READ, None, actor=request.user, after={"where": "ops", "query": request.GET.urlencode()[:200]})
        return super().changelist_view(request, extra_context)


@admin.register(
    models.QualityReport,
    models.ReviewTask,
    models.ReviewDecision,
    models.Adjustment,
    models.BulkDecision,
    models.SavedFilter,
    models.PartialUpload,
    models.EditTask,
    models.BatchCategoryPreset,
    models.SampleDraw,
    models.SampleMember,
    models.FirstMember,
    models.FirstSample,
    models.PilotReport,
    models.Preset,
    models.PresetVersion,
    models.RoutingPolicy,
    models.CategoryRule,
    models.PresetProposal,
    models.ReferencePicture,
    models.ChannelView,
    models.Channel,
    models.Tally,
    models.PresetLife,
    models.PresetLock,
    models.PresetBan,
    models.ReplaySet,
    models.ReplayItem,
    models.Study,
    models.StudyRun,
    models.Canary,
    models.CanaryPlace,
    models.Calibration,
    models.LearningAlarm,
    models.PolicyDraft,
    models.Scope,
    models.Lot,
    models.LotPlace,
    models.Look,
    models.Certificate,
    models.Alarm,
    models.GoldItem,
    models.Complaint,
    models.ReturnRate,
    models.PersonScope,
    models.ClientAccess,
    models.ClientTurn,
    models.LinePause,
    models.AuditSeal,
    models.DeliveryLink,
    models.OutsideIdentity,
    models.SignInTries,
)
class PlainAdmin(ReadOnlyAdmin):
    """Tables that need no list of their own."""
