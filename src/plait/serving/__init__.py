"""Serving: a service's name and texts in; answers of its champion out."""

from plait.serving.service import Reply, Service

__all__ = ["Reply", "Service"]
