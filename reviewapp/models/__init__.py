"""Fields and constraints only; what is done with them is in services, what is read from them in selectors."""

from .adjusting import Adjustment
from .assets import Asset
from .audit import AuditEvent
from .batches import Batch, BatchCategoryPreset, BatchChannel, SheetRow
from .channels import Channel, Rendition
from .choosing import BulkDecision, SavedFilter
from .clients import Client, ReferencePicture
from .deliveries import Delivery, DeliveryItem
from .editing import EditTask
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
from .presets import CategoryRule, Preset, PresetProposal, PresetVersion, RoutingPolicy
from .quality import QualityReport
from .review import ReviewDecision, ReviewTask
from .runs import ChannelView, ProcessingRun
from .sampling import SampleDraw, SampleMember
from .tallies import Tally
from .tasks import Task, WorkerHeartbeat
from .uploads import PartialUpload

__all__ = [
    "Adjustment",
    "Asset",
    "AuditEvent",
    "Batch",
    "BatchCategoryPreset",
    "BatchChannel",
    "BulkDecision",
    "Calibration",
    "Canary",
    "CanaryPlace",
    "CategoryRule",
    "Channel",
    "ChannelView",
    "Client",
    "Delivery",
    "DeliveryItem",
    "EditTask",
    "LearningAlarm",
    "PartialUpload",
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
    "ReviewDecision",
    "ReviewTask",
    "RoutingPolicy",
    "SampleDraw",
    "SampleMember",
    "SavedFilter",
    "SheetRow",
    "Study",
    "StudyRun",
    "Tally",
    "Task",
    "WorkerHeartbeat",
]
