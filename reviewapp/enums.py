"""Every choice the database stores, and the named groups of them that rules speak about."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class BatchState(models.TextChoices):
    """Where a client's batch stands. Counts per asset state live on the assets, never here."""

    UPLOADING = "uploading", _("Uploading")
    PROCESSING = "processing", _("Processing")
    PAUSED = "paused", _("Paused")
    REVIEW = "review", _("Waiting for people")
    READY = "ready", _("Ready to deliver")
    DELIVERED = "delivered", _("Delivered")
    CANCELLED = "cancelled", _("Cancelled")


class AssetState(models.TextChoices):
    """Where one photo stands; policies/transitions.py says which moves are legal."""

    RECEIVED = "received", _("Received")
    REJECTED_INTAKE = "rejected_intake", _("Rejected at intake")
    DUPLICATE = "duplicate", _("Duplicate")
    VALIDATED = "validated", _("Validated")
    CLASSIFIED = "classified", _("Classified")
    WAITS_FOR_SAMPLE = "waits_for_sample", _("Waits for the sample")
    QUEUED = "queued", _("Queued for processing")
    SCORED = "scored", _("Scored")
    AUTO_APPROVED = "auto_approved", _("Auto-approved")
    IN_REVIEW = "in_review", _("Waiting for review")
    ON_HOLD = "on_hold", _("On hold")
    APPROVED = "approved", _("Approved")
    REDO = "redo", _("Being redone")
    EDITING = "editing", _("With an editor")
    AWAITING_SIGNOFF = "awaiting_signoff", _("Waiting for sign-off")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


APPROVED_STATES = frozenset({AssetState.AUTO_APPROVED, AssetState.APPROVED})
MACHINE_STATES = frozenset(
    {
        AssetState.RECEIVED,
        AssetState.VALIDATED,
        AssetState.CLASSIFIED,
        AssetState.QUEUED,
        AssetState.SCORED,
        AssetState.REDO,
    }
)
UNDONE_STATES = MACHINE_STATES | {AssetState.WAITS_FOR_SAMPLE}
"""What the machine has still to do: now, or when somebody applies what a first sample showed."""
REVIEW_STATES = (AssetState.IN_REVIEW, AssetState.ON_HOLD)
"""A reviewer's verdict is what the photo waits for."""
PEOPLE_STATES = frozenset({AssetState.IN_REVIEW, AssetState.ON_HOLD, AssetState.EDITING, AssetState.AWAITING_SIGNOFF})
RESOLVED_STATES = frozenset(
    {
        AssetState.AUTO_APPROVED,
        AssetState.APPROVED,
        AssetState.REJECTED_INTAKE,
        AssetState.DUPLICATE,
        AssetState.FAILED,
        AssetState.CANCELLED,
    }
)


class TaskState(models.TextChoices):
    """A durable task's life: pending -> running -> done, or back to pending, or dead."""

    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    DEAD = "dead", _("Dead")


class Step(models.TextChoices):
    """What a task does; each maps to one function in services/execution.py."""

    VALIDATE = "validate", _("Validate")
    CLASSIFY = "classify", _("Classify")
    PROCESS = "process", _("Process and score")
    RESCORE = "rescore", _("Score a retouched file")
    RENDER = "render", _("Render for the channels")
    ADJUST = "adjust", _("Run again as a reviewer asked")
    SEARCH = "search", _("Search for better settings")
    REPLAY = "replay", _("Run again with proposed settings")
    CALIBRATE = "calibrate", _("Run reference photos again")
    GOLD = "gold", _("Make a known picture")


LEARNING_STEPS = frozenset({Step.SEARCH, Step.REPLAY, Step.CALIBRATE})
"""Work on photos for the sake of a preset: their batch neither waits for it nor changes by it."""


class FailureCategory(models.TextChoices):
    """OBS-22: the four kinds a technical failure is reported under."""

    NETWORK = "network_errors", _("Network")
    PROCESSING = "processing_errors", _("Processing")
    VALIDATION = "validation_errors", _("Validation")
    UNKNOWN = "unknown_errors", _("Unknown")


class Complexity(models.TextChoices):
    SIMPLE = "simple", _("Simple")
    MEDIUM = "medium", _("Medium")
    COMPLEX = "complex", _("Complex")


class Lane(models.TextChoices):
    """How a classified photo travels (RTE-04, RTE-07, B18)."""

    AUTOMATED = "automated", _("Automated")
    AUTOMATED_THEN_REVIEW = "automated_then_review", _("Automated, then always a person")
    EDITING_WITH_START = "editing_with_start", _("Editor, with the automatic cut-out as a start")
    MANUAL = "manual", _("Editor from scratch")


class Routing(models.TextChoices):
    """QC-09: where a score sends a result."""

    AUTO_APPROVE = "auto_approve", _("Auto-approve")
    HUMAN_REVIEW = "human_review", _("Human review")
    REJECT_AND_REDO = "reject_and_redo", _("Reject and redo")
    EDITING = "editing", _("Editing queue")
    COMPARED = "compared", _("Nowhere: made to compare")
    EXPLORED = "explored", _("Human review, below the line")


class ReviewReason(models.TextChoices):
    """REV-23: why a person sees this. SAMPLE is never shown in the blind queue."""

    SCORE_BAND = "score_band", _("Score in the review band")
    MEDIUM = "medium", _("Medium complexity always gets a person")
    GATE = "gate", _("A hard gate failed")
    ANOMALY = "anomaly", _("Unlike the rest of the batch")
    SAMPLE = "sample", _("Statistical sample")
    NOT_MEASURED = "not_measured", _("Colour could not be measured")
    LOW_CONFIDENCE = "low_confidence", _("The cut-out is uncertain")
    CLIENT_RULE = "client_rule", _("The client asked for a person")
    ESCALATED = "escalated", _("Escalated")
    CANARY = "canary", _("A new preset version is on trial")
    EXPLORED = "explored", _("Below the line, looked at all the same")
    MENDED = "mended", _("The line cleared something itself")
    FIRST_SAMPLE = "first_sample", _("Sample of a batch before the rest is done")
    PILOT = "pilot", _("Pilot: a person looks at every photo")


WATCHED_REASONS = frozenset({ReviewReason.FIRST_SAMPLE, ReviewReason.PILOT})
"""The score would have let these pass; its word is kept from who judges them, because it is what is tried."""


class ReviewTaskState(models.TextChoices):
    OPEN = "open", _("Open")
    ON_HOLD = "on_hold", _("On hold")
    DONE = "done", _("Done")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class Verdict(models.TextChoices):
    APPROVE = "approve", _("Approve")
    REJECT = "reject", _("Reject")
    HOLD = "hold", _("Hold")
    SKIP = "skip", _("Skip")
    ESCALATE = "escalate", _("Escalate")


class RejectReason(models.TextChoices):
    """REV-07, in key order 1 to 8."""

    EDGE_HALO = "edge_halo", _("Edge halo or fringe")
    EDGE_ROUGH = "edge_rough", _("Rough or cut-off edge")
    PARTIAL_REMOVAL = "partial_removal", _("Part of the product missing")
    BACKGROUND_LEFT = "background_left", _("Background left or not white")
    COLOUR_SHIFT = "colour_shift", _("Colour is wrong")
    SHADOW = "shadow", _("Shadow is wrong")
    CROP_FILL = "crop_fill", _("Crop or size in frame")
    RESOLUTION = "resolution", _("Soft, noisy or degraded")


class EditReason(models.TextChoices):
    """Why a photo is with an editor."""

    COMPLEX = "complex", _("Complex photo")
    ALWAYS_HUMAN = "always_human", _("Category always done by people")
    UNCATEGORISED = "uncategorised", _("Category unknown")
    LOW_SCORE = "low_score", _("Score below the redo line")
    GATE = "gate", _("A hard gate failed")
    REJECTED = "rejected", _("Rejected in review")
    SAMPLE_REJECTED = "sample_rejected", _("Rejected in review (sample)")
    PROCESS_FAILED = "process_failed", _("Could not be processed automatically")


class EditTaskState(models.TextChoices):
    OPEN = "open", _("Open")
    CLAIMED = "claimed", _("Claimed")
    SUBMITTED = "submitted", _("Being scored again")
    AWAITING_SIGNOFF = "awaiting_signoff", _("Waiting for sign-off")
    SIGNED_OFF = "signed_off", _("Signed off")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class BulkState(models.TextChoices):
    RUNNING = "running", _("Being applied")
    DONE = "done", _("Applied")
    UNDOING = "undoing", _("Being taken back")
    UNDONE = "undone", _("Taken back")


class RunKind(models.TextChoices):
    AUTOMATED = "automated", _("Automated")
    EDITED = "edited", _("Retouched by a person")
    ADJUSTED = "adjusted", _("Settings moved by a reviewer")
    REPLAY = "replay", _("Run again to compare presets")
    GOLD = "gold", _("A known picture, never delivered")


class AdjustmentState(models.TextChoices):
    PENDING = "pending", _("Being made")
    READY = "ready", _("Ready to compare")
    USED = "used", _("Taken")
    FAILED = "failed", _("Failed")


class RenditionState(models.TextChoices):
    VERIFIED = "verified", _("Verified")
    FAILED = "failed", _("Failed a channel rule")


class DeliveryState(models.TextChoices):
    """WAITING: made, and until its grace period ends nobody outside is told of it and nobody downloads it."""

    WAITING = "waiting", _("Waits")
    READY = "ready", _("Ready to download")
    DOWNLOADED = "downloaded", _("Downloaded")
    RECALLED = "recalled", _("Called back")


OUT_STATES = frozenset({DeliveryState.READY, DeliveryState.DOWNLOADED})
"""Handed over, and not called back."""


class MessageKind(models.TextChoices):
    """What a client is told; the value is the event's name in the message."""

    READY = "delivery.ready", _("Delivery ready")
    RECALLED = "delivery.recalled", _("Delivery called back")
    COMPLETED = "batch.completed", _("Batch completed")
    FAILED = "batch.failed_photos", _("Photos failed")
    TEST = "test", _("Test")


class MessageChannel(models.TextChoices):
    WEBHOOK = "webhook", _("Webhook")
    EMAIL = "email", _("E-mail")


class MessageState(models.TextChoices):
    """RECALLED: taken back before it was ever sent."""

    PENDING = "pending", _("To be sent")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    DEAD = "dead", _("Given up")
    RECALLED = "recalled", _("Taken back")


class SampleOutcome(models.TextChoices):
    PENDING = "pending", _("Pending")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


class Sampling(models.TextChoices):
    """How what ships by itself is sampled, per client."""

    DEFAULT = "", _("As the thresholds say")
    SIMPLE = "simple", _("Simple: a share, no promise")
    PROOF = "proof", _("Proven: as many looks as needed")
    EACH = "each", _("Every lot proven by itself")


class ScopeMode(models.TextChoices):
    """What a scope has earned; the words are those of policies.quality."""

    LEARN = "learn", _("Learning")
    CERTIFIED = "certified", _("Certified")
    HOLD = "hold", _("On hold")


class LotState(models.TextChoices):
    """WAITING: too small to be proven alone, until others of its scope make one with it."""

    WAITING = "waiting", _("Waiting for more")
    OPEN = "open", _("Being looked at")
    HELD = "held", _("On hold")
    RELEASED = "released", _("Released")
    REDO = "redo", _("To be done again")


class LookKind(models.TextChoices):
    """Why a hidden look is made. Nobody who makes it is told."""

    FIRST = "first", _("Sample")
    SECOND = "second", _("Second person on a flag")
    AGAIN = "again", _("Second inspection of a whole lot")
    RETRO = "retro", _("Looked at again after it shipped")
    GOLD = "gold", _("Known picture")


class AlarmKind(models.TextChoices):
    HOLD = "hold", _("Lot on hold")
    RATE = "alarm", _("Defect rate jumped")
    INCIDENT = "incident", _("Incident")
    LOST = "certificate_lost", _("Certificate lost")
    REVIEWER = "reviewer", _("Reviewer")
    ESCAPED = "escaped", _("Found after it shipped")
    NO_SECOND = "no_second", _("Nobody to judge flags")
    FEW_GOLD = "few_gold", _("Too few known pictures")


class GoldSource(models.TextChoices):
    GOOD = "good", _("Approved picture")
    INJECTED = "injected", _("Defect put in on purpose")
    ESCAPE = "escape", _("Found after it shipped")
    PERSON = "person", _("Chosen by a person")


class ProposalState(models.TextChoices):
    OPEN = "open", _("Open")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")


class LifeState(models.TextChoices):
    """Where a preset version stands; its settings never change."""

    DRAFT = "draft", _("Draft")
    OFFERED = "offered", _("Offered")
    CANARY = "canary", _("On trial")
    ACTIVE = "active", _("In use")
    RETIRED = "retired", _("Retired")
    ROLLED_BACK = "rolled_back", _("Rolled back")


class Author(models.TextChoices):
    HUMAN = "human", _("A person")
    PROPOSAL = "proposal", _("A proposal")


class StudyStage(models.TextChoices):
    """How far a proposal's evidence has come."""

    SEARCHING = "searching", _("Searching for settings")
    RENDERING = "rendering", _("Making both results")
    DUEL = "duel", _("Being judged blind")
    OFFERED = "offered", _("Won: an admin may try it")
    LOST = "lost", _("Not clearly better")
    FAILED = "failed", _("Could not be tested")
    CLOSED = "closed", _("Decided")


OPEN_STUDIES = frozenset({StudyStage.SEARCHING, StudyStage.RENDERING, StudyStage.DUEL})


class Side(models.TextChoices):
    CHAMPION = "champion", _("In use")
    CHALLENGER = "challenger", _("Proposed")


class CanaryState(models.TextChoices):
    RUNNING = "running", _("On trial")
    PROMOTED = "promoted", _("Promoted")
    ROLLED_BACK = "rolled_back", _("Rolled back")


class LearningAlarmKind(models.TextChoices):
    CALIBRATION = "calibration", _("Weekly calibration over its limit")
    DRIFT = "drift", _("Scores drift")
    TRIAL = "trial", _("A trial doesn't end")


class Role(models.TextChoices):
    """Django group names; superusers pass every check."""

    REVIEWER = "reviewer", _("Reviewer")
    EDITOR = "editor", _("Editor")
    SENIOR = "senior", _("Senior editor")
    MANAGER = "manager", _("Manager")
    ADMIN = "admin", _("Admin")
