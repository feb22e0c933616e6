"""From a source to shards: plan, map, shuffle, commit."""

from ..callable_package import make_callable

make_callable(__name__)
