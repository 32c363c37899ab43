"""Where replies come from: models by name, conversations with them, and recorded replies."""

from agentnb.models.chat import ModelChat
from agentnb.models.classify import classify
from agentnb.models.port import Chat, Message, Reply, Retry
from agentnb.models.prices import Price, has_prices, price_of
from agentnb.models.providers import key_names
from agentnb.models.recorded import RecordedChat, RecordedModels
from agentnb.models.resolve import Model, default_model, resolve
from agentnb.models.resumed import ResumedChat

__all__ = [
    "Chat",
    "Message",
    "Model",
    "ModelChat",
    "Price",
    "RecordedChat",
    "RecordedModels",
    "Reply",
    "ResumedChat",
    "Retry",
    "classify",
    "default_model",
    "has_prices",
    "key_names",
    "price_of",
    "resolve",
]
