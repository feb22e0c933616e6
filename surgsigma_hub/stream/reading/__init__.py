"""Where bytes come from: shards on disk and elsewhere, by range; what is damaged or changed is found here."""
