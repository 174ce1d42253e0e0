"""What the templates of the editor of conditions need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString

from definitions.builder.tree_text import write_tree

register = template.Library()


@register.filter
def tree_text(tree: Any) -> str:
    """A plain tree as YAML; a text that could not be read stays as it is."""
    return write_tree(tree)


@register.filter
def tree_island(tree: Any) -> SafeString | str:
    """A plain tree, or none, for the editor's script; '' for a text that could not be read."""
    return json_script(tree) if tree is None or isinstance(tree, Mapping) else ""
