"""Every choice the database stores, and the named groups of them that rules speak about."""

from django.db import models


class BatchState(models.TextChoices):
    """Where a client's batch stands. Counts per asset state live on the assets, never here."""

    UPLOADING = "uploading", "Uploading"
    PROCESSING = "processing", "Processing"
    PAUSED = "paused", "Paused"
    REVIEW = "review", "Waiting for people"
    READY = "ready", "Ready to deliver"
    DELIVERED = "delivered", "Delivered"
    CANCELLED = "cancelled", "Cancelled"


class AssetState(models.TextChoices):
    """Where one photo stands; policies/transitions.py says which moves are legal."""

    RECEIVED = "received", "Received"
    REJECTED_INTAKE = "rejected_intake", "Rejected at intake"
    DUPLICATE = "duplicate", "Duplicate"
    VALIDATED = "validated", "Validated"
    CLASSIFIED = "classified", "Classified"
    QUEUED = "queued", "Queued for processing"
    SCORED = "scored", "Scored"
    AUTO_APPROVED = "auto_approved", "Auto-approved"
    IN_REVIEW = "in_review", "Waiting for review"
    ON_HOLD = "on_hold", "On hold"
    APPROVED = "approved", "Approved"
    REDO = "redo", "Being redone"
    EDITING = "editing", "With an editor"
    AWAITING_SIGNOFF = "awaiting_signoff", "Waiting for sign-off"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


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

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    DEAD = "dead", "Dead"


class Step(models.TextChoices):
    """What a task does; each maps to one function in services/execution.py."""

    VALIDATE = "validate", "Validate"
    CLASSIFY = "classify", "Classify"
    PROCESS = "process", "Process and score"
    RESCORE = "rescore", "Score a retouched file"
    RENDER = "render", "Render for the channels"
    ADJUST = "adjust", "Run again as a reviewer asked"
    SEARCH = "search", "Search for better settings"
    REPLAY = "replay", "Run again with proposed settings"
    CALIBRATE = "calibrate", "Run reference photos again"
    GOLD = "gold", "Make a known picture"


LEARNING_STEPS = frozenset({Step.SEARCH, Step.REPLAY, Step.CALIBRATE})
"""Work on photos for the sake of a preset: their batch neither waits for it nor changes by it."""


class FailureCategory(models.TextChoices):
    """OBS-22: the four kinds a technical failure is reported under."""

    NETWORK = "network_errors", "Network"
    PROCESSING = "processing_errors", "Processing"
    VALIDATION = "validation_errors", "Validation"
    UNKNOWN = "unknown_errors", "Unknown"


class Complexity(models.TextChoices):
    SIMPLE = "simple", "Simple"
    MEDIUM = "medium", "Medium"
    COMPLEX = "complex", "Complex"


class Lane(models.TextChoices):
    """How a classified photo travels (RTE-04, RTE-07, B18)."""

    AUTOMATED = "automated", "Automated"
    AUTOMATED_THEN_REVIEW = "automated_then_review", "Automated, then always a person"
    EDITING_WITH_START = "editing_with_start", "Editor, with the automatic cut-out as a start"
    MANUAL = "manual", "Editor from scratch"


class Routing(models.TextChoices):
    """QC-09: where a score sends a result."""

    AUTO_APPROVE = "auto_approve", "Auto-approve"
    HUMAN_REVIEW = "human_review", "Human review"
    REJECT_AND_REDO = "reject_and_redo", "Reject and redo"
    EDITING = "editing", "Editing queue"
    COMPARED = "compared", "Nowhere: made to compare"


class ReviewReason(models.TextChoices):
    """REV-23: why a person sees this. SAMPLE is never shown in the blind queue."""

    SCORE_BAND = "score_band", "Score in the review band"
    MEDIUM = "medium", "Medium complexity always gets a person"
    GATE = "gate", "A hard gate failed"
    ANOMALY = "anomaly", "Unlike the rest of the batch"
    SAMPLE = "sample", "Statistical sample"
    NOT_MEASURED = "not_measured", "Colour could not be measured"
    LOW_CONFIDENCE = "low_confidence", "The cut-out is uncertain"
    CLIENT_RULE = "client_rule", "The client asked for a person"
    ESCALATED = "escalated", "Escalated"
    CANARY = "canary", "A new preset version is on trial"


class ReviewTaskState(models.TextChoices):
    OPEN = "open", "Open"
    ON_HOLD = "on_hold", "On hold"
    DONE = "done", "Done"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Verdict(models.TextChoices):
    APPROVE = "approve", "Approve"
    REJECT = "reject", "Reject"
    HOLD = "hold", "Hold"
    SKIP = "skip", "Skip"
    ESCALATE = "escalate", "Escalate"


class RejectReason(models.TextChoices):
    """REV-07, in key order 1 to 8."""

    EDGE_HALO = "edge_halo", "Edge halo or fringe"
    EDGE_ROUGH = "edge_rough", "Rough or cut-off edge"
    PARTIAL_REMOVAL = "partial_removal", "Part of the product missing"
    BACKGROUND_LEFT = "background_left", "Background left or not white"
    COLOUR_SHIFT = "colour_shift", "Colour is wrong"
    SHADOW = "shadow", "Shadow is wrong"
    CROP_FILL = "crop_fill", "Crop or size in frame"
    RESOLUTION = "resolution", "Soft, noisy or degraded"


class EditReason(models.TextChoices):
    """Why a photo is with an editor."""

    COMPLEX = "complex", "Complex photo"
    ALWAYS_HUMAN = "always_human", "Category always done by people"
    UNCATEGORISED = "uncategorised", "Category unknown"
    LOW_SCORE = "low_score", "Score below the redo line"
    GATE = "gate", "A hard gate failed"
    REJECTED = "rejected", "Rejected in review"
    SAMPLE_REJECTED = "sample_rejected", "Rejected in review (sample)"
    PROCESS_FAILED = "process_failed", "Could not be processed automatically"


class EditTaskState(models.TextChoices):
    OPEN = "open", "Open"
    CLAIMED = "claimed", "Claimed"
    SUBMITTED = "submitted", "Being scored again"
    AWAITING_SIGNOFF = "awaiting_signoff", "Waiting for sign-off"
    SIGNED_OFF = "signed_off", "Signed off"
    WITHDRAWN = "withdrawn", "Withdrawn"


class BulkState(models.TextChoices):
    RUNNING = "running", "Being applied"
    DONE = "done", "Applied"
    UNDOING = "undoing", "Being taken back"
    UNDONE = "undone", "Taken back"


class RunKind(models.TextChoices):
    AUTOMATED = "automated", "Automated"
    EDITED = "edited", "Retouched by a person"
    ADJUSTED = "adjusted", "Settings moved by a reviewer"
    REPLAY = "replay", "Run again to compare presets"
    GOLD = "gold", "A known picture, never delivered"


class AdjustmentState(models.TextChoices):
    PENDING = "pending", "Being made"
    READY = "ready", "Ready to compare"
    USED = "used", "Taken"
    FAILED = "failed", "Failed"


class RenditionState(models.TextChoices):
    VERIFIED = "verified", "Verified"
    FAILED = "failed", "Failed a channel rule"


class DeliveryState(models.TextChoices):
    READY = "ready", "Ready to download"
    DOWNLOADED = "downloaded", "Downloaded"


class SampleOutcome(models.TextChoices):
    PENDING = "pending", "Pending"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"


class Sampling(models.TextChoices):
    """How what ships by itself is sampled, per client."""

    DEFAULT = "", "As the thresholds say"
    SIMPLE = "simple", "Simple: a share, no promise"
    PROOF = "proof", "Proven: as many looks as needed"
    EACH = "each", "Every lot proven by itself"


class ScopeMode(models.TextChoices):
    """What a scope has earned; the words are those of policies.quality."""

    LEARN = "learn", "Learning"
    CERTIFIED = "certified", "Certified"
    HOLD = "hold", "On hold"


class LotState(models.TextChoices):
    """WAITING: too small to be proven alone, until others of its scope make one with it."""

    WAITING = "waiting", "Waiting for more"
    OPEN = "open", "Being looked at"
    HELD = "held", "On hold"
    RELEASED = "released", "Released"
    REDO = "redo", "To be done again"


class LookKind(models.TextChoices):
    """Why a hidden look is made. Nobody who makes it is told."""

    FIRST = "first", "Sample"
    SECOND = "second", "Second person on a flag"
    AGAIN = "again", "Second inspection of a whole lot"
    RETRO = "retro", "Looked at again after it shipped"
    GOLD = "gold", "Known picture"


class AlarmKind(models.TextChoices):
    HOLD = "hold", "Lot on hold"
    RATE = "alarm", "Defect rate jumped"
    INCIDENT = "incident", "Incident"
    LOST = "certificate_lost", "Certificate lost"
    REVIEWER = "reviewer", "Reviewer"
    ESCAPED = "escaped", "Found after it shipped"
    NO_SECOND = "no_second", "Nobody to judge flags"
    FEW_GOLD = "few_gold", "Too few known pictures"


class GoldSource(models.TextChoices):
    GOOD = "good", "Approved picture"
    INJECTED = "injected", "Defect put in on purpose"
    ESCAPE = "escape", "Found after it shipped"
    PERSON = "person", "Chosen by a person"


class ProposalState(models.TextChoices):
    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"


class LifeState(models.TextChoices):
    """Where a preset version stands; its settings never change."""

    DRAFT = "draft", "Draft"
    OFFERED = "offered", "Offered"
    CANARY = "canary", "On trial"
    ACTIVE = "active", "In use"
    RETIRED = "retired", "Retired"
    ROLLED_BACK = "rolled_back", "Rolled back"


class Author(models.TextChoices):
    HUMAN = "human", "A person"
    PROPOSAL = "proposal", "A proposal"


class StudyStage(models.TextChoices):
    """How far a proposal's evidence has come."""

    SEARCHING = "searching", "Searching for settings"
    RENDERING = "rendering", "Making both results"
    DUEL = "duel", "Being judged blind"
    OFFERED = "offered", "Won: an admin may try it"
    LOST = "lost", "Not clearly better"
    FAILED = "failed", "Could not be tested"
    CLOSED = "closed", "Decided"


OPEN_STUDIES = frozenset({StudyStage.SEARCHING, StudyStage.RENDERING, StudyStage.DUEL})


class Side(models.TextChoices):
    CHAMPION = "champion", "In use"
    CHALLENGER = "challenger", "Proposed"


class CanaryState(models.TextChoices):
    RUNNING = "running", "On trial"
    PROMOTED = "promoted", "Promoted"
    ROLLED_BACK = "rolled_back", "Rolled back"


class LearningAlarmKind(models.TextChoices):
    CALIBRATION = "calibration", "Weekly calibration over its limit"
    DRIFT = "drift", "Scores drift"


class Role(models.TextChoices):
    """Django group names; superusers pass every check."""

    REVIEWER = "reviewer", "Reviewer"
    EDITOR = "editor", "Editor"
    SENIOR = "senior", "Senior editor"
    MANAGER = "manager", "Manager"
    ADMIN = "admin", "Admin"
