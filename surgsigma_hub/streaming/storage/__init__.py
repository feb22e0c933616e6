"""Where bytes come from: shards on disk and elsewhere, by range; what is damaged or changed is found here.

``local`` opens a ``shard_file``; ``tar`` finds samples in it, ``torn`` what is left of a damaged block. What ``remote``
wants is cut by ``units``, asked for by ``fetching`` from ``http`` (over a ``connection`` with a clock) or a ``store``,
kept by ``cache`` and compared by ``sums``.
"""
