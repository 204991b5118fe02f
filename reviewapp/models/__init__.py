"""Fields and constraints only; what is done with them is in services, what is read from them in selectors."""

from .access import ClientAccess, PersonScope
from .adjusting import Adjustment
from .assets import Asset
from .audit import AuditEvent, AuditSeal
from .batches import Batch, BatchCategoryPreset, BatchChannel, SheetRow
from .channels import Channel, Rendition
from .choosing import BulkDecision, SavedFilter
from .clients import Client, ReferencePicture
from .deliveries import Delivery, DeliveryItem, DeliveryLink
from .editing import EditTask
from .gold import Complaint, GoldItem, ReturnRate
from .learning import (
    Calibration,
    Canary,
    CanaryPlace,
    LearningAlarm,
    PolicyDraft,
    PresetBan,
    PresetLife,
    PresetLock,
    ReplayItem,
    ReplaySet,
    Study,
    StudyRun,
)
from .lots import Alarm, Certificate, Look, Lot, LotPlace, Scope
from .messages import OutboundMessage, WebhookSecret
from .presets import CategoryRule, Preset, PresetProposal, PresetVersion, RoutingPolicy
from .quality import QualityReport
from .review import ReviewDecision, ReviewTask
from .runs import ChannelView, ProcessingRun
from .sampling import FirstMember, FirstSample, PilotReport, SampleDraw, SampleMember
from .signing_in import OutsideIdentity, SignInTries
from .signing_in import PersonSession as PersonSession  # not in __all__: /ops/ shows those, and a key opens a session
from .tallies import Tally
from .tasks import ClientTurn, LinePause, Task, WorkerHeartbeat
from .uploads import PartialUpload

__all__ = [
    "Adjustment",
    "Alarm",
    "Asset",
    "AuditEvent",
    "AuditSeal",
    "Batch",
    "BatchCategoryPreset",
    "BatchChannel",
    "BulkDecision",
    "Calibration",
    "Canary",
    "CanaryPlace",
    "CategoryRule",
    "Certificate",
    "Channel",
    "ChannelView",
    "Client",
    "ClientAccess",
    "ClientTurn",
    "Complaint",
    "Delivery",
    "DeliveryItem",
    "DeliveryLink",
    "EditTask",
    "FirstMember",
    "FirstSample",
    "GoldItem",
    "LearningAlarm",
    "LinePause",
    "Look",
    "Lot",
    "LotPlace",
    "OutboundMessage",
    "OutsideIdentity",
    "PartialUpload",
    "PersonScope",
    "PilotReport",
    "PolicyDraft",
    "Preset",
    "PresetBan",
    "PresetLife",
    "PresetLock",
    "PresetProposal",
    "PresetVersion",
    "ProcessingRun",
    "QualityReport",
    "ReferencePicture",
    "Rendition",
    "ReplayItem",
    "ReplaySet",
    "ReturnRate",
    "ReviewDecision",
    "ReviewTask",
    "RoutingPolicy",
    "SampleDraw",
    "SampleMember",
    "SavedFilter",
    "Scope",
    "SheetRow",
    "SignInTries",
    "Study",
    "StudyRun",
    "Tally",
    "Task",
    "WebhookSecret",
    "WorkerHeartbeat",
]
